"""Drafts, and when they are published."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Cast, Now
from django.db.models.lookups import LessThanOrEqual
from django.utils.translation import gettext_lazy as _

MOST_BYTES = 500_000  # of the fields as JSON; the longest text takes up to 400,000
REASON_LIMIT = 500


class Draft(models.Model):
    """``fields`` has the composer's fields: a list of values by name."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    fields = models.JSONField()
    # Of the composer that it was written in: publishing it is idempotent, wherever it is continued.
    form_key = models.UUIDField(default=uuid.uuid4, editable=False)
    version = models.PositiveIntegerField(default=1, db_default=1)
    publish_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    changed_at = models.DateTimeField(db_default=Now())
    # Why it was not published at its time, in the owner's language.
    failed = models.CharField(max_length=REASON_LIMIT, blank=True, default="", db_default="")

    class Meta:
        verbose_name = _("draft")
        constraints = [
            models.UniqueConstraint(fields=["owner", "form_key"], name="draft_form_key_once"),
            models.CheckConstraint(
                condition=LessThanOrEqual(
                    models.Func(
                        Cast("fields", models.TextField()),
                        function="OCTET_LENGTH",
                        output_field=models.IntegerField(),
                    ),
                    MOST_BYTES,
                ),
                name="draft_bytes",
            ),
        ]
        indexes = [
            models.Index(
                fields=["publish_at"], name="draft_publish_at", condition=Q(publish_at__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return f"draft {self.pk}"
