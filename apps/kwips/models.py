"""Kwips. A comment is a kwip with a thread."""

import uuid
from enum import IntFlag
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from apps.kwips.picture_models import KwipPicture  # noqa: F401 - Django looks for models here
from apps.kwips.visibility import Visible

TEXT_LIMIT = 100_000
NOTE_LIMIT = 200
# The columns that the visibility predicate reads, besides the author.
_DECIDING = ("audience", "visibility", "withheld")


def noted(content_note: str, text: str) -> str:
    """A text below its note, where both are searched or judged."""
    return f"{content_note}\n\n{text}" if content_note else text


class Visibility(models.IntegerChoices):
    """Who may read a kwip. Planned: unlisted (2), by its address alone; listed (3), for named people."""

    EVERYONE = 0, _("everyone")
    FOLLOWERS = 1, _("followers only")


class Withheld(IntFlag):
    """Why a kwip is withheld: one bit a reason. Its author sees what is not SUSPENDED.

    Only `withholding` changes SUSPENDED, only `holding` the others; `counted` sets them in new rows.
    """

    SUSPENDED = 1  # its author is switched off
    HIDDEN = 2  # by a moderator
    HELD = 4  # it waits for a moderator


class Kwip(models.Model):
    """A kwip, or a comment on the kwip ``thread``. Ids below zero are those of imported kwips (`importing`).

    Only `sql/visible.sql` evaluates ``visibility``, ``audience`` and ``withheld``. Private accounts publish
    with FOLLOWERS unless they choose otherwise; `narrowing` moves their former kwips on demand.
    """

    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="kwips", db_index=False
    )
    thread = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="comments", db_index=False
    )
    # The comment of the same thread that a comment answers.
    answers = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    text = models.TextField(_("your kwip"), max_length=TEXT_LIMIT)
    # One line that stands for the text until it is asked for; "" for none.
    content_note = models.CharField(
        _("a note before it"), max_length=NOTE_LIMIT, blank=True, default="", db_default=""
    )
    # Whether the marks in the text are shown as what they mean (`formatting`). Older texts are plain.
    is_formatted = models.BooleanField(default=False, db_default=False, editable=False)
    # Whether its pictures are folded behind a word.
    is_sensitive = models.BooleanField(default=False, db_default=False, editable=False)
    # A comment copies the visibility and the audience of its thread.
    # Database defaults: during an upgrade the previous release inserts without these columns.
    visibility = models.SmallIntegerField(
        choices=Visibility, default=Visibility.EVERYONE, db_default=Visibility.EVERYONE, editable=False
    )
    withheld = models.SmallIntegerField(default=0, db_default=0, editable=False)
    # This person and their followers may read it; NULL: everyone.
    audience = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    # Idempotency key: a form that is sent twice creates one kwip.
    form_key = models.UUIDField(default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    edited_at = models.DateTimeField(null=True, editable=False)
    # The time of the newest comment, or of the kwip. It only grows: a comment that is deleted leaves it.
    last_active_at = models.DateTimeField(db_default=Now(), editable=False)
    # Incremented with each change of the text or a counter: part of the key of the card.
    version = models.PositiveBigIntegerField(default=1, editable=False)
    comments_count = models.PositiveIntegerField(default=0, editable=False)
    favourites_count = models.PositiveIntegerField(default=0, editable=False)
    # A database default: during an upgrade the previous release inserts without this column. Not a positive
    # field: its check would read the whole table while it is locked.
    shares_count = models.IntegerField(default=0, db_default=0, editable=False)

    # Set only by `visible_kwip`: the viewer may see the card.
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
            # The indexes of the timelines. They include the columns of the visibility predicate, so that a
            # timeline is an index-only scan.
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
            # For restoring withheld kwips.
            models.Index(fields=["author"], name="kwip_withheld", condition=models.Q(withheld__gt=0)),
            # For SET NULL.
            models.Index(fields=["answers"], name="kwip_answers", condition=models.Q(answers__isnull=False)),
            # For the CASCADE from a person.
            models.Index(
                fields=["audience"], name="kwip_audience", condition=models.Q(audience__isnull=False)
            ),
            # For counting them: a private person may have thousands.
            models.Index(
                fields=["audience"],
                name="kwip_followers_only",
                condition=models.Q(audience__isnull=False, thread__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"kwip {self.pk}"

    @property
    def is_imported(self) -> bool:
        return self.pk < 0

    @property
    def noted_text(self) -> str:
        return noted(self.content_note, self.text)

    @property
    def followers_only(self) -> bool:
        """Whether it is not for everyone: either column decides, as in `sql/visible.sql`."""
        return self.visibility != Visibility.EVERYONE or self.audience_id is not None


class Revision(models.Model):
    """A former text of a kwip, with its note and its format."""

    kwip = models.ForeignKey(Kwip, on_delete=models.CASCADE, related_name="revisions")
    text = models.TextField()
    content_note = models.CharField(max_length=NOTE_LIMIT, default="", db_default="")
    is_formatted = models.BooleanField(default=False, db_default=False)
    written_at = models.DateTimeField()

    class Meta:
        verbose_name = _("earlier version")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"kwip {self.kwip_id} as of {self.written_at:%Y-%m-%d %H:%M}"


class Tombstone(models.Model):
    """A deleted kwip, without its text: its address answers 410 instead of 404.

    To those who could see it: everyone if ``public``, else the ``audience``. Older tombstones lack both, and
    answer 410 to the author only.
    """

    kwip_id = models.BigIntegerField(primary_key=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    public = models.BooleanField(default=False, db_default=False)
    audience = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    # So that sending the form again does not restore the kwip.
    form_key = models.UUIDField()
    deleted_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("tombstone")
        indexes = [
            # For the CASCADE from a person.
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


class Share(models.Model):
    """``sharer`` shows ``kwip``, of ``author_id``, to their followers.

    Its id is from the sequence of kwips, so that one keyset orders both.
    """

    id = models.PositiveBigIntegerField(primary_key=True)
    sharer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    # No constraint: during an upgrade the previous release deletes kwips and not these rows.
    kwip = models.ForeignKey(
        Kwip, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    # The kwip's author, who never changes: a network compares it in the index.
    author_id = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = ngettext_lazy("share", "shares", 1)
        constraints = [
            models.UniqueConstraint(fields=["kwip", "sharer"], name="share_once", include=["id"]),
        ]
        indexes = [
            models.Index(fields=["sharer", "-id"], name="share_person", include=["kwip", "author_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.sharer_id} shares {self.kwip_id}"


class Bookmark(models.Model):
    """``user`` keeps a kwip or comment on a page that no one else sees."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    # No constraint, as above.
    kwip = models.ForeignKey(Kwip, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("bookmark")
        constraints = [models.UniqueConstraint(fields=["user", "kwip"], name="bookmark_once")]
        indexes = [
            models.Index(fields=["user", "-id"], name="bookmark_person", include=["kwip"]),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} keeps {self.kwip_id}"


class Track(models.Model):
    """What ``user`` chose: whether they track the conversation of ``kwip``; and what they saw of it.

    Without a row the kwip's author tracks it, and no one else does. For the user alone: `tracking`.
    """

    pk = models.CompositePrimaryKey("kwip_id", "user_id")
    # No constraint: during an upgrade the previous release deletes kwips and not these rows.
    kwip = models.ForeignKey(
        Kwip, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    is_on = models.BooleanField(default=True)
    # The newest comment that was on a page which they opened, and when; NULL: none since this is kept.
    seen_id = models.BigIntegerField(null=True, editable=False)
    seen_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("tracked conversation")


class Tag(models.Model):
    """A tag in its canonical spelling (`text.tag_name`)."""

    name = models.CharField(max_length=50, unique=True)

    class Meta:
        verbose_name = _("tag")

    def __str__(self) -> str:
        return f"#{self.name}"


class KwipTag(models.Model):
    pk = models.CompositePrimaryKey("tag_id", "kwip_id")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="+", db_index=False)
    kwip = models.ForeignKey(Kwip, on_delete=models.CASCADE, related_name="+")


class Mention(models.Model):
    pk = models.CompositePrimaryKey("kwip_id", "user_id")
    kwip = models.ForeignKey(Kwip, on_delete=models.CASCADE, related_name="mentions", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")


class Thanks(models.Model):
    """How many favourites the kwips and comments of ``person`` have, those up to the id ``counted_to``.

    For people who want to know. `thanks` says how it stays exact.
    """

    ALL: ClassVar = 2**63 - 1

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    number = models.PositiveIntegerField(default=0)
    counted_to = models.BigIntegerField(default=1 - 2**63)

    class Meta:
        verbose_name = _("thanks")

    @property
    def is_counted(self) -> bool:
        return self.counted_to == self.ALL


class Pin(models.Model):
    """The kwip at the top of the page of ``person``.

    No foreign key, so that deleting a kwip costs no statement here: every read joins the kwip.
    """

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    kwip_id = models.BigIntegerField()

    class Meta:
        verbose_name = _("pinned kwip")


class Narrowing(models.Model):
    """How far `narrowing` has come in making the earlier kwips of a person followers-only."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    # Those with lower ids are left to look at.
    before = models.BigIntegerField()
    looked_at = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField()  # when it began; some may have been deleted since
    began_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("kwips made followers-only")

    def __str__(self) -> str:
        return f"of {self.person_id}: {self.looked_at} of {self.total}"


class KwipOfTheDay(models.Model):
    """One row at most: the kwip that the landing page shows (`of_the_day`). It may be deleted."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    kwip_id = models.BigIntegerField()
    chosen_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("kwip of the day")
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="kwip_of_the_day_one_row")]

    def __str__(self) -> str:
        return str(self.kwip_id)
