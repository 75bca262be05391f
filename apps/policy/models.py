"""The policy: one row."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from apps.invalidation import invalidate
from apps.plaintext import clean, clean_line
from apps.policy.keys import POLICY

ANNOUNCEMENT_LIMIT = 280
GREETING_LIMIT = 1_000


class SignUpMode(models.TextChoices):
    """Who may sign up."""

    OPEN = "open", _("open: everyone")
    INVITATION = "invitation", _("by invitation: only people with a member's invitation")
    APPROVAL = "approval", _("by approval: an operator accepts or refuses each application")
    CLOSED = "closed", _("closed: no one")


class SitePolicy(models.Model):
    """The only row has the id 1. Without it the defaults apply."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    sign_up = models.CharField(
        _("who may sign up"), max_length=10, choices=SignUpMode.choices, default=SignUpMode.OPEN
    )
    announcement = models.CharField(
        _("announcement"),
        max_length=ANNOUNCEMENT_LIMIT,
        blank=True,
        help_text=_("One line above every page. Addresses become links."),
    )
    announcement_until = models.DateTimeField(
        _("until"), null=True, blank=True, help_text=_("When the announcement disappears by itself.")
    )
    greeter = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("house account"),
        help_text=_("The account that comments on the first kwip of each newcomer. Empty: no greeting."),
    )
    greeting = models.TextField(
        _("greeting"),
        max_length=GREETING_LIMIT,
        blank=True,
        help_text=_("What it says; {name} becomes the newcomer's @name. Empty: no greeting."),
    )

    class Meta:
        verbose_name = _("site policy")
        verbose_name_plural = _("site policy")
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=1), name="policy_one_row"),
            models.CheckConstraint(
                condition=models.Q(announcement="") | models.Q(announcement_until__isnull=False),
                name="policy_announcement_ends",
            ),
        ]

    def __str__(self) -> str:
        return str(_("site policy"))

    def clean(self) -> None:
        self.announcement = clean_line(self.announcement)
        self.greeting = clean(self.greeting).strip()
        if self.announcement and self.announcement_until is None:
            raise ValidationError({"announcement_until": _("An announcement needs an end.")})

    @transaction.atomic
    def save(self, *args: Any, **options: Any) -> None:
        """Writes the only row. Invalidates its cache entry and, for a new announcement, the pages with it."""
        from apps.policy import tasks  # it imports this module

        line = ("announcement", "announcement_until")
        before = type(self).objects.filter(pk=1).values_list(*line).first()
        self._state.adding = before is None
        super().save(*args, **options)
        is_changed = (before or ("", None)) != tuple(getattr(self, name) for name in line)
        invalidate(cache=[POLICY], pages=[POLICY] if is_changed else [])
        if is_changed and self.announcement and self.announcement_until is not None:
            tasks.schedule_end(self.announcement_until)
