"""Kwips: what people write. A comment is a kwip with a thread."""

import uuid
from enum import IntFlag

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.kwips.visibility import Visible

TEXT_LIMIT = 100_000
# The columns that the visibility predicate reads, besides the author.
_DECIDING = ("audience", "visibility", "withheld")


class Visibility(models.IntegerChoices):
    """Who may read a kwip. Planned: unlisted (2), by its address alone; listed (3), for named people."""

    EVERYONE = 0, _("everyone")
    FOLLOWERS = 1, _("followers only")


class Withheld(IntFlag):
    """Why a kwip is withheld from every viewer: one bit a reason, so that clearing one leaves the others.

    `apps.kwips.withholding` alone writes SUSPENDED. Moderation of single kwips will have the next bit.
    """

    SUSPENDED = 1  # its author is switched off

    @classmethod
    def of(cls, author: AbstractBaseUser) -> int:
        """What a new kwip starts with. Read under the lock of the author's row, which a switch takes too."""
        return 0 if author.is_active else cls.SUSPENDED.value


class Kwip(models.Model):
    """One kwip, or one comment on a kwip (``thread`` is then the kwip that it stands below).

    ``visibility``, ``audience`` and ``withheld`` decide who reads it; `sql/visible.sql` alone evaluates them.
    A private account fits in without a column here: its form publishes with FOLLOWERS, following needs its
    consent, and what it wrote before is moved to FOLLOWERS in batches, as `withholding` does.
    """

    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="kwips", db_index=False
    )
    thread = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="comments", db_index=False
    )
    # Of a comment: the comment of the same thread that it answers. Clients ask for it; no page shows it.
    answers = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    text = models.TextField(_("your kwip"), max_length=TEXT_LIMIT)
    # A comment has the visibility and the audience of its thread, so that its row answers for both.
    # Defaults of the database: during an upgrade the previous release inserts without these columns.
    visibility = models.SmallIntegerField(
        choices=Visibility, default=Visibility.EVERYONE, db_default=Visibility.EVERYONE, editable=False
    )
    withheld = models.SmallIntegerField(default=0, db_default=0, editable=False)
    # Whose followers may read it, with this person; NULL where it is for everyone.
    audience = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    # Made with the form, so that a form sent twice is one kwip.
    form_key = models.UUIDField(default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    edited_at = models.DateTimeField(null=True, editable=False)
    # When this conversation last moved: of a kwip, its own birth or its newest comment's.
    last_active_at = models.DateTimeField(db_default=Now(), editable=False)
    # Rises with everything a card shows of this kwip: text and counters.
    version = models.PositiveBigIntegerField(default=1, editable=False)
    comments_count = models.PositiveIntegerField(default=0, editable=False)
    favourites_count = models.PositiveIntegerField(default=0, editable=False)

    # Set by `visible_kwip` alone: the kwip may be made a card for the viewer that it was read for.
    visible: Visible

    class Meta:
        verbose_name = _("kwip")
        verbose_name_plural = _("kwips")
        constraints = [
            models.UniqueConstraint(fields=["author", "form_key"], name="kwip_form_key_once"),
            models.CheckConstraint(
                condition=models.Q(thread__isnull=True) | models.Q(comments_count=0),
                name="kwip_comment_is_flat",
            ),
            models.CheckConstraint(
                condition=models.Q(thread__isnull=False)
                | models.Q(audience__isnull=True)
                | models.Q(audience=models.F("author")),
                name="kwip_audience_is_its_authors",
            ),
        ]
        indexes = [
            # The indexes of the timelines, which the .sql files of apps.feeds name. They include the columns
            # that the visibility predicate reads, so that a timeline is an index-only scan.
            models.Index(
                fields=["-id"],
                name="kwip_everyone_by_id",
                include=["author", *_DECIDING],
                condition=models.Q(thread__isnull=True),
            ),
            models.Index(
                fields=["-last_active_at", "-id"],
                name="kwip_everyone_by_activity",
                include=["author", *_DECIDING],
                condition=models.Q(thread__isnull=True),
            ),
            models.Index(
                fields=["author", "-id"],
                name="kwip_person_by_id",
                include=[*_DECIDING],
                condition=models.Q(thread__isnull=True),
            ),
            models.Index(
                fields=["author", "-last_active_at", "-id"],
                name="kwip_person_by_activity",
                include=[*_DECIDING],
                condition=models.Q(thread__isnull=True),
            ),
            models.Index(
                fields=["author", "-id"],
                name="kwip_person_comments_by_id",
                include=["thread", *_DECIDING],
                condition=models.Q(thread__isnull=False),
            ),
            models.Index(
                fields=["thread", "id"],
                name="kwip_conversation_by_id",
                include=["author", *_DECIDING],
                condition=models.Q(thread__isnull=False),
            ),
            # The few kwips that are withheld: clearing looks for them.
            models.Index(fields=["author"], name="kwip_withheld", condition=models.Q(withheld__gt=0)),
            # Deleting a comment looks for its answers.
            models.Index(fields=["answers"], name="kwip_answers", condition=models.Q(answers__isnull=False)),
            # Deleting a person looks for what was written for their circle.
            models.Index(
                fields=["audience"], name="kwip_audience", condition=models.Q(audience__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"kwip {self.pk}"

    @property
    def followers_only(self) -> bool:
        """Whether it is not for everyone. An audience counts alone: see `sql/visible.sql`."""
        return self.visibility != Visibility.EVERYONE or self.audience_id is not None


class Revision(models.Model):
    """What a kwip said before an edit."""

    kwip = models.ForeignKey(Kwip, on_delete=models.CASCADE, related_name="revisions")
    text = models.TextField()
    written_at = models.DateTimeField()

    class Meta:
        verbose_name = _("earlier version")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"kwip {self.kwip_id} as of {self.written_at:%Y-%m-%d %H:%M}"


class Tombstone(models.Model):
    """A kwip was here. Nothing of what it said is kept; its address answers 410 instead of 404.

    For those alone who could see the kwip: everyone where it was ``public``, else its ``audience``. Of the
    tombstones made before these columns that is not known: they are there for the author alone.
    """

    kwip_id = models.PositiveBigIntegerField(primary_key=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    public = models.BooleanField(default=False, db_default=False)
    audience = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    # The form that made it, so that sending that form again does not bring the kwip back.
    form_key = models.UUIDField()
    deleted_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("tombstone")
        indexes = [
            # Deleting a person looks for what was written for their circle.
            models.Index(
                fields=["audience"], name="tombstone_audience", condition=models.Q(audience__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"kwip {self.kwip_id}, deleted"


class Favourite(models.Model):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    kwip = models.ForeignKey(Kwip, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("favourite")
        constraints = [models.UniqueConstraint(fields=["user", "kwip"], name="favourite_once")]
        indexes = [
            models.Index(fields=["user", "-id"], name="favourite_person", include=["kwip"]),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} ♥ {self.kwip_id}"


class Tag(models.Model):
    """A hashtag, in its one spelling (NFKC, lower case)."""

    name = models.CharField(max_length=50, unique=True)

    class Meta:
        verbose_name = _("tag")

    def __str__(self) -> str:
        return f"#{self.name}"


class KwipTag(models.Model):
    """A top-level kwip or a comment carries a tag."""

    pk = models.CompositePrimaryKey("tag_id", "kwip_id")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="+", db_index=False)
    kwip = models.ForeignKey(Kwip, on_delete=models.CASCADE, related_name="+")


class Mention(models.Model):
    """A kwip names a person that exists."""

    pk = models.CompositePrimaryKey("kwip_id", "user_id")
    kwip = models.ForeignKey(Kwip, on_delete=models.CASCADE, related_name="mentions", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
