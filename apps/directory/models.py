"""Small tables that recurring commands replace, and the people whom operators suggest."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.kwips.models import Tag

# Rows of the tables: of all people, of one member, of tags, and chosen by operators.
ACTIVE_PEOPLE = 200
SUGGESTIONS = 60
BUSY_TAGS = 40
FIRST_FOLLOWS = 20


class ActivePerson(models.Model):
    """Who wrote for everyone on the most days lately; place 1 is the first."""

    place = models.PositiveSmallIntegerField(primary_key=True)
    person = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    class Meta:
        verbose_name = _("active person")

    def __str__(self) -> str:
        return f"{self.place}. {self.person_id}"


class Suggestion(models.Model):
    """``followed_by`` of those whom ``member`` follows follow ``person``."""

    pk = models.CompositePrimaryKey("member_id", "place")
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    place = models.PositiveSmallIntegerField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    followed_by = models.PositiveSmallIntegerField()

    class Meta:
        verbose_name = _("suggestion")


class FirstFollow(models.Model):
    """A person whom operators suggest to newcomers; the lowest place comes first."""

    person = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    place = models.PositiveSmallIntegerField(_("place"), default=1)

    class Meta:
        verbose_name = _("first person to follow")
        verbose_name_plural = _("first people to follow")

    def __str__(self) -> str:
        return f"{self.place}. {self.person}"

    def clean(self) -> None:
        if self._state.adding and FirstFollow.objects.count() >= FIRST_FOLLOWS:
            raise ValidationError(_("There are %d already. Newcomers see five.") % FIRST_FOLLOWS)


class BusyTag(models.Model):
    """A tag that many people used in the last week. A person counts once a day."""

    place = models.PositiveSmallIntegerField(primary_key=True)
    tag = models.OneToOneField(Tag, on_delete=models.CASCADE, related_name="+")

    class Meta:
        verbose_name = _("busy tag")

    def __str__(self) -> str:
        return f"{self.place}. {self.tag_id}"
