"""The sums of the watch, one row for each kind."""

from django.db import models


class Watched(models.Model):
    """What the watch has found of a kind, since the site began."""

    kind = models.CharField(max_length=40, primary_key=True)
    looked_at = models.BigIntegerField(db_default=0)
    stale = models.BigIntegerField(db_default=0)
    last_look_at = models.DateTimeField(null=True)
    last_stale_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "cachewatch_watched"

    def __str__(self) -> str:
        return f"{self.kind}: {self.stale} of {self.looked_at} stale"
