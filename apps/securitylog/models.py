"""The table of the security log."""

from django.db import models
from django.db.models.functions import Now
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.securitylog.clients import in_words
from apps.securitylog.event import Event

DAYS = 90


class Entry(models.Model):
    """What happened. The database refuses to change it, or to delete it within 90 days (migration 0001).

    So it has no foreign keys, and of people their ids alone.
    """

    at = models.DateTimeField(_("when"), db_default=Now())
    # One of `Event`, which no migration has to repeat.
    event = models.CharField(_("event"), max_length=24)
    user_id = models.BigIntegerField(_("person"), null=True)  # whom it concerns
    by_id = models.BigIntegerField(_("by"), null=True)  # who did it, if it was another person
    network = models.CharField(_("network"), max_length=40, db_default="")
    browser = models.CharField(_("browser"), max_length=24, db_default="")
    system = models.CharField(_("system"), max_length=16, db_default="")
    login = models.CharField(_("login"), max_length=32, db_default="", help_text=_("A keyed hash."))
    details = models.JSONField(_("details"), db_default={})
    request_id = models.CharField(_("request"), max_length=64, db_default="")
    # How often, within a minute: entries that are alike are one row, of this key.
    times = models.PositiveIntegerField(_("times"), db_default=1)
    alike = models.UUIDField(null=True, unique=True, editable=False)

    class Meta:
        verbose_name = _("entry of the security log")
        verbose_name_plural = _("security log")
        indexes = [
            models.Index(fields=["user_id", "-id"], name="security_person"),
            models.Index(fields=["event", "-id"], name="security_event"),
            models.Index(fields=["login", "-id"], name="security_login", condition=~models.Q(login="")),
            models.Index(fields=["at"], name="security_at"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.pk}"

    @property
    def label(self) -> str | Promise:
        """In the reader's words. A later release may have written an event that this one does not know."""
        return Event(self.event).label if self.event in Event else self.event

    @property
    def device(self) -> str:
        return in_words(self.browser, self.system)
