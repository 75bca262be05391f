"""Who may post by mail, and the mails that were read."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class SecretAddress(models.Model):
    """A person's address for new kwips. Only a hash of it is kept: it is shown once."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+", editable=False
    )
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    made_at = models.DateTimeField(db_default=Now(), editable=False)
    used_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return f"of {self.user_id}"


class SeenMail(models.Model):
    """A mail that was read: the hash of its Message-ID, and of whom and what it was for."""

    key = models.UUIDField(primary_key=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", editable=False)
    seen_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = [models.Index(fields=["seen_at"], name="inbound_seen")]

    def __str__(self) -> str:
        return str(self.key)
