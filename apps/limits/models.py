"""The two tables. Both are UNLOGGED: no write waits for a disk, and a crash of PostgreSQL empties them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class RateLimitWindow(models.Model):
    """The times of a client's last hits of one scope: a sliding log, as long as the rate allows hits."""

    key = models.UUIDField(primary_key=True, help_text="Keyed hash of the scope and the client.")
    scope = models.CharField(max_length=40)
    times = ArrayField(models.DateTimeField())
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "limits_tries"
        indexes = [models.Index(fields=["expires_at"], name="limits_tries_expires")]


class CacheEntry(models.Model):
    """An entry of `LimitsCache`; the columns are those of Django's database cache."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField()

    class Meta:
        db_table = "limits_cache"
        indexes = [models.Index(fields=["expires"], name="limits_cache_expires")]
