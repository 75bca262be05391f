"""Follows, requests to follow, blocks and mutes."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Follow(models.Model):
    """The network timeline of ``follower`` contains the kwips of ``followee``."""

    follower = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    followee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("follow")
        constraints = [
            models.UniqueConstraint(fields=["follower", "followee"], name="follow_once"),
            models.CheckConstraint(
                condition=~models.Q(follower=models.F("followee")), name="follow_someone_else"
            ),
        ]
        indexes = [
            # For the pages of followers and following, newest first.
            models.Index(fields=["followee", "-id"], name="follow_followee_id"),
            models.Index(fields=["follower", "-id"], name="follow_follower_id"),
        ]

    def __str__(self) -> str:
        return f"{self.follower_id} → {self.followee_id}"


class FollowRequest(models.Model):
    """``asker`` asks to follow ``asked``, whose account is private. A pair has a follow or this, not both."""

    asker = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    asked = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("follow request")
        constraints = [
            models.UniqueConstraint(fields=["asker", "asked"], name="follow_request_once"),
            models.CheckConstraint(
                condition=~models.Q(asker=models.F("asked")), name="follow_request_someone_else"
            ),
        ]
        indexes = [
            # For the pages of requests, newest first.
            models.Index(fields=["asked", "-id"], name="follow_request_asked_id"),
            models.Index(fields=["asker", "-id"], name="follow_request_asker_id"),
        ]

    def __str__(self) -> str:
        return f"{self.asker_id} → {self.asked_id}?"


class Block(models.Model):
    """Neither of the two sees the other's kwips."""

    blocker = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    blocked = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("block")
        constraints = [
            models.UniqueConstraint(fields=["blocker", "blocked"], name="block_once"),
            models.CheckConstraint(
                condition=~models.Q(blocker=models.F("blocked")), name="block_someone_else"
            ),
        ]
        # A block counts in both directions.
        indexes = [models.Index(fields=["blocked", "blocker"], name="block_blocked_blocker")]

    def __str__(self) -> str:
        return f"{self.blocker_id} ✕ {self.blocked_id}"


class Ending(models.Model):
    """A mute of any kind: until when, and whether what it hides is folded to a line (muffled) or gone.

    A mute that has ended counts nowhere: each statement compares `ends_at` with now().
    """

    muter = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # NULL: the mute has no end.
    ends_at = models.DateTimeField(null=True, editable=False)
    # A database default: the previous release inserts without this column.
    is_muffled = models.BooleanField(default=False, db_default=False)

    class Meta:
        abstract = True


class Mute(Ending):
    """The timelines of ``muter`` omit ``muted``, or fold what they wrote."""

    muted = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    class Meta:
        verbose_name = _("mute")
        constraints = [
            models.UniqueConstraint(fields=["muter", "muted"], name="mute_once"),
            models.CheckConstraint(condition=~models.Q(muter=models.F("muted")), name="mute_someone_else"),
        ]

    def __str__(self) -> str:
        return f"{self.muter_id} – {self.muted_id}"


class MutedWord(Ending):
    """A word, a phrase or a tag that ``muter`` does not want to read (`apps.kwips.muted_words`)."""

    word = models.CharField(max_length=51)  # as typed; a tag begins with "#"
    # What is compared: the canonical name of a tag; a word without case and accents.
    folded = models.CharField(max_length=200)
    is_tag = models.BooleanField()

    class Meta:
        verbose_name = _("muted word")
        constraints = [
            models.UniqueConstraint(fields=["muter", "is_tag", "folded"], name="muted_word_once"),
        ]

    def __str__(self) -> str:
        return self.word


class MutedConversation(Ending):
    """The timelines of ``muter`` omit the kwip ``kwip_id`` and its comments, or fold them."""

    # Not a foreign key: kwips are in the app above. `kwips.actions` deletes the rows of deleted kwips.
    kwip_id = models.BigIntegerField()

    class Meta:
        verbose_name = _("muted conversation")
        constraints = [
            models.UniqueConstraint(fields=["muter", "kwip_id"], name="muted_conversation_once"),
        ]
        indexes = [models.Index(fields=["kwip_id"], name="muted_conversation_kwip")]

    def __str__(self) -> str:
        return f"{self.muter_id} – kwip {self.kwip_id}"
