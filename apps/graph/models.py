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


class Mute(models.Model):
    """The timelines of ``muter`` omit ``muted``."""

    muter = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    muted = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("mute")
        constraints = [
            models.UniqueConstraint(fields=["muter", "muted"], name="mute_once"),
            models.CheckConstraint(condition=~models.Q(muter=models.F("muted")), name="mute_someone_else"),
        ]

    def __str__(self) -> str:
        return f"{self.muter_id} – {self.muted_id}"
