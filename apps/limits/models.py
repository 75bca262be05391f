"""The two tables. Both are UNLOGGED: no write waits for a disk, and after a crash limits begin anew."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Tries(models.Model):
    """The last times that someone tried something limited."""

    key = models.UUIDField(primary_key=True, help_text="Keyed hash of the scope and of whoever is counted.")
    scope = models.CharField(max_length=40)
    times = ArrayField(models.DateTimeField())
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "limits_tries"
        indexes = [models.Index(fields=["expires_at"], name="limits_tries_expires")]


class CacheEntry(models.Model):
    """What `LimitsCache` keeps; the columns are those that Django's cache in the database has."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField()

    class Meta:
        db_table = "limits_cache"
        indexes = [models.Index(fields=["expires"], name="limits_cache_expires")]
