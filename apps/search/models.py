"""The index: the words of kwips, and the names of people and tags.

Written by `index` and `statements` alone.
"""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from apps.accounts.models import User
from apps.kwips.models import Kwip, Tag

NAME_LENGTH = 120  # of a folded name, which may be longer than the name


class Entry(models.Model):
    """The words of a kwip or comment, its tags, its author, and its slices.

    A table of its own: a column of `Kwip` would make each change of a counter write the index again. It says
    nothing about visibility, which is read from the kwip.
    """

    # No constraint: its check would cost as much as the row. An entry without its kwip is never shown.
    kwip = models.OneToOneField(
        Kwip, on_delete=models.CASCADE, primary_key=True, related_name="+", db_constraint=False
    )
    words = SearchVectorField()

    class Meta:
        indexes = [
            # Without a list of pending rows, which each search would have to scan.
            GinIndex(fields=["words"], name="search_words", fastupdate=False),
        ]


class Name(models.Model):
    """A name in the folded spelling of `words.folded`."""

    name = models.CharField(max_length=NAME_LENGTH)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class PersonName(Name):
    """User name and display name of a person."""

    # No constraint: during an upgrade the previous release deletes people and not these rows.
    user = models.OneToOneField(
        User, on_delete=models.CASCADE, primary_key=True, related_name="+", db_constraint=False
    )

    class Meta:
        indexes = [
            GinIndex(OpClass("name", "gin_trgm_ops"), name="search_person_trigrams", fastupdate=False),
            models.Index(OpClass("name", "text_pattern_ops"), name="search_person_prefix"),
        ]


class TagName(Name):
    """The name of a tag."""

    tag = models.OneToOneField(
        Tag, on_delete=models.CASCADE, primary_key=True, related_name="+", db_constraint=False
    )

    class Meta:
        indexes = [
            GinIndex(OpClass("name", "gin_trgm_ops"), name="search_tag_trigrams", fastupdate=False),
            models.Index(OpClass("name", "text_pattern_ops"), name="search_tag_prefix"),
        ]
