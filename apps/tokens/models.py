"""Tokens of programs. What a program sends is a secret; only its digest is stored."""

from enum import IntFlag

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

NAME_LIMIT = 60
MOST = 20  # of a person


class Scope(IntFlag):
    """What a program may do: one bit each."""

    WRITE_KWIPS = 1
    READ_NETWORK = 2

    @property
    def names(self) -> list[str]:
        """As programs read them."""
        return [scope.name.lower() for scope in self if scope.name]


class Token(models.Model):
    """A program with its secret acts as ``owner``, within ``scopes``. A revoked token is deleted."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    name = models.CharField(_("name"), max_length=NAME_LIMIT)
    scopes = models.PositiveSmallIntegerField()  # bits of `Scope`
    digest = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(_("since"), db_default=Now(), editable=False)
    # As exact as `queries.USED_EVERY`.
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)

    class Meta:
        verbose_name = _("token")
        verbose_name_plural = _("tokens")
        constraints = [
            # Not `unique=True`: Django would add a second index, for LIKE.
            models.UniqueConstraint(fields=["digest"], name="token_digest_once"),
            models.CheckConstraint(condition=models.Q(scopes__gt=0), name="token_has_a_scope"),
        ]
        indexes = [models.Index(fields=["owner", "-id"], name="token_owner_id")]

    def __str__(self) -> str:
        return self.name

    @property
    def scope(self) -> Scope:
        return Scope(self.scopes)

    @property
    def writes(self) -> bool:
        return Scope.WRITE_KWIPS in self.scope

    @property
    def reads(self) -> bool:
        return Scope.READ_NETWORK in self.scope
