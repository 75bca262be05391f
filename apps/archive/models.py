"""Exports and imports: one of each for a person at most."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

SMALLEST = -(2**63)  # a position before every row


class Export(models.Model):
    """The one archive of a person: being made, or ready until it expires."""

    class State(models.TextChoices):
        MAKING = "making"
        READY = "ready"
        FAILED = "failed"

    person = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, choices=State, default=State.MAKING)
    # The section in work, and the position of the last row that is in a part.
    section = models.CharField(max_length=30)
    position = models.BigIntegerField(default=SMALLEST)
    # Parts and rows by section: {"kwips": [4, 1000]}.
    made = models.JSONField(default=dict)
    bytes = models.BigIntegerField(default=0)
    # How often the sweep enqueued it again, after its command was lost.
    retries = models.SmallIntegerField(default=0)
    asked_at = models.DateTimeField(db_default=Now())
    moved_at = models.DateTimeField(db_default=Now(), db_index=True)
    expires_at = models.DateTimeField(null=True, db_index=True)

    class Meta:
        verbose_name = _("export")

    def __str__(self) -> str:
        return f"export {self.pk}"


class Import(models.Model):
    """The last import of a person: its upload, and what came of it."""

    class Kind(models.TextChoices):
        ARCHIVE = "archive", _("an archive of kwippy (zip)")
        FOLLOWS = "follows", _("people to follow (CSV)")
        BLOCKS = "blocks", _("people to block (CSV)")
        MUTES = "mutes", _("people to mute (CSV)")

    class State(models.TextChoices):
        CHECKING = "checking"
        CHECKED = "checked"
        APPLYING = "applying"
        DONE = "done"
        FAILED = "failed"

    person = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind)
    state = models.CharField(max_length=8, choices=State, default=State.CHECKING)
    # What the file has, by section; and what came of it, by section and outcome.
    found = models.JSONField(default=dict)
    outcomes = models.JSONField(default=dict)
    # How many rows of the file are applied.
    position = models.PositiveIntegerField(default=0)
    # The first of those that could not be found, or not be done, each with the reason.
    problems = models.JSONField(default=list)
    # Why it failed, as the person reads it.
    refusal = models.TextField(blank=True)
    retries = models.SmallIntegerField(default=0)
    asked_at = models.DateTimeField(db_default=Now())
    moved_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        verbose_name = _("import")

    def __str__(self) -> str:
        return f"import {self.pk}"
