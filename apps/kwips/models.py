"""Kwips: what people write. A comment is a kwip with a thread."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

TEXT_LIMIT = 100_000


class Kwip(models.Model):
    """One kwip, or one comment on a kwip (``thread`` is then the kwip that it stands below)."""

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
    # Whose circle may read it: this person and those who follow them; NULL is everyone. A comment takes
    # its thread's, so that one column answers for both.
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
            # The indexes behind the timelines, which the .sql files of apps.feeds name. They carry what
            # decides on visibility, so that a timeline finds its ids without touching the table.
            models.Index(
                fields=["-id"],
                name="kwip_everyone",
                include=["author", "audience"],
                condition=models.Q(thread__isnull=True),
            ),
            models.Index(
                fields=["-last_active_at", "-id"],
                name="kwip_everyone_active",
                include=["author", "audience"],
                condition=models.Q(thread__isnull=True),
            ),
            models.Index(
                fields=["author", "-id"],
                name="kwip_person",
                include=["audience"],
                condition=models.Q(thread__isnull=True),
            ),
            models.Index(
                fields=["author", "-last_active_at", "-id"],
                name="kwip_person_active",
                include=["audience"],
                condition=models.Q(thread__isnull=True),
            ),
            models.Index(
                fields=["author", "-id"],
                name="kwip_person_comments",
                include=["audience", "thread"],
                condition=models.Q(thread__isnull=False),
            ),
            models.Index(
                fields=["thread", "id"],
                name="kwip_conversation",
                include=["author", "audience"],
                condition=models.Q(thread__isnull=False),
            ),
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
        return self.audience_id is not None


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
