"""Kinds of violations of the content security policy, each counted."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

DIRECTIVE_LIMIT = 40
BLOCKED_LIMIT = 120
PAGE_LIMIT = 200


class Violation(models.Model):
    """One kind. The row without a directive counts what came when there were `actions.MOST` kinds."""

    directive = models.CharField(_("directive"), max_length=DIRECTIVE_LIMIT)
    blocked = models.CharField(_("blocked"), max_length=BLOCKED_LIMIT)
    page = models.CharField(_("page"), max_length=PAGE_LIMIT)
    count = models.BigIntegerField(_("reports"), default=0)
    first_at = models.DateTimeField(_("first"), db_default=Now())
    last_at = models.DateTimeField(_("last"), db_default=Now())

    class Meta:
        verbose_name = _("report of browsers")
        verbose_name_plural = _("reports of browsers")
        constraints = [
            models.UniqueConstraint(fields=["directive", "blocked", "page"], name="cspreports_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.directive} {self.blocked}".strip() or "…"
