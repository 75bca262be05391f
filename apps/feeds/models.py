"""The state of timelines beside the rows that they list."""

from django.db import models


class Restoration(models.Model):
    """One row: the number of transactions that made hidden kwips visible again.

    A kept first page (`apps.feeds.first_pages`) is valid for one number: a restored kwip is older than the
    kwips that the page looks for.
    """

    id = models.SmallIntegerField(primary_key=True)
    number = models.BigIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="restoration_one_row")]

    def __str__(self) -> str:
        return str(self.number)
