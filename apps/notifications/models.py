"""Notices: facts that the site shows to one person; and how far each person wants them to go."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.accounts.time_zones import NAME_LIMIT

WORDS_LIMIT = 2_000


class OperatorMessage(models.Model):
    """What an operator writes to members, who have notices of it. Without the row these are not shown."""

    text = models.TextField(_("text"), max_length=WORDS_LIMIT, help_text=_("Addresses become links."))
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        editable=False,
        verbose_name=_("written by"),
    )
    created_at = models.DateTimeField(_("written at"), db_default=Now(), editable=False)
    # Of the form: sent twice, it makes one message.
    form_key = models.UUIDField(
        unique=True, default=uuid.uuid4, error_messages={"unique": _("This message is sent already.")}
    )

    class Meta:
        verbose_name = _("message to members")
        verbose_name_plural = _("messages to members")

    def __str__(self) -> str:
        return str(_("message of %(date)s") % {"date": f"{self.created_at:%Y-%m-%d %H:%M}"})


class Notice(models.Model):
    """One fact for one recipient; `registry.Kind` says what a ``kind`` is about.

    A repeated fact gives the row a new ``id``: ids are in the order of ``notified_at``, and nothing may
    refer to them by a foreign key. The kwips have no foreign keys either, so that writing notices takes no
    locks on them: a notice of a deleted kwip is deleted by a subscriber, and is never shown.
    """

    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=20)
    # The person who acted; NULL for comments (their author is the kwip's), or where no person acts.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    # What it is about, as an id that the kind understands: with recipient, kind and actor, its identity.
    subject = models.BigIntegerField(default=0)
    # The conversation, if it is about one, and where its link leads: a kwip or comment. For comments: the
    # first one since the recipient was last there.
    thread_id = models.BigIntegerField(null=True, blank=True)
    kwip_id = models.BigIntegerField(null=True, blank=True)
    # Notices of one grouping stand together: those of a conversation, or a day's of one kind.
    grouping = models.CharField(max_length=40)
    notified_at = models.DateTimeField(db_default=Now())
    # Until the recipient opens the list, or the conversation.
    is_unseen = models.BooleanField(default=True, db_default=True)
    # Until the recipient opens the conversation: then, and not before, its next comment notifies.
    is_waiting = models.BooleanField(default=False, db_default=False)
    # Removed from the list by the recipient. The row stays, so that the same fact does not notify again.
    is_cleared = models.BooleanField(default=False, db_default=False)
    # `registry.Channel`: how far it goes, as the recipient chose at that time. Of mail: until it is sent.
    channel = models.CharField(max_length=6, default="site", db_default="site")

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        constraints = [
            models.UniqueConstraint(
                fields=["recipient", "kind", "subject", "actor"], name="notice_once", nulls_distinct=False
            ),
        ]
        indexes = [
            models.Index(fields=["recipient", "-id"], name="notice_list"),
            # The unread mark.
            models.Index(fields=["recipient"], name="notice_unseen", condition=Q(is_unseen=True)),
            # What opening a conversation changes.
            models.Index(
                fields=["recipient", "thread_id"],
                name="notice_open",
                condition=Q(is_unseen=True) | Q(is_waiting=True),
            ),
            # What waits for a digest.
            models.Index(
                fields=["recipient", "notified_at"],
                name="notice_digest",
                condition=Q(channel="digest", is_unseen=True),
            ),
            # For deleted kwips.
            models.Index(
                fields=["thread_id", "subject"], name="notice_thread", condition=Q(thread_id__isnull=False)
            ),
            # For the CASCADE from a person.
            models.Index(fields=["actor"], name="notice_actor", condition=Q(actor__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject} for {self.recipient_id}"


class Period(models.TextChoices):
    """How often a digest is sent."""

    DAILY = "daily", _("every day")
    WEEKLY = "weekly", _("on mondays")
    NEVER = "never", _("never")


DIGEST_HOUR = 8
REPLY_LIMIT = 200  # characters of a mail server's reply


class Preferences(models.Model):
    """What a person chose, and the state of their address. A person who chose nothing has no row."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    # Channels by kind, where they differ from `registry.Kind.channel`.
    channels = models.JSONField(default=dict, blank=True)
    digest = models.CharField(max_length=6, choices=Period, default=Period.DAILY)
    hour = models.PositiveSmallIntegerField(default=DIGEST_HOUR)  # of the digest, in the time zone
    time_zone = models.CharField(max_length=NAME_LIMIT, blank=True)  # empty: UTC
    # How often in a row mail servers refused notices to this address for good, and the last reply.
    refusals = models.PositiveSmallIntegerField(default=0)
    refused_address = models.EmailField(max_length=254, blank=True)
    refused_reply = models.CharField(max_length=REPLY_LIMIT, blank=True)

    class Meta:
        verbose_name = _("preferences of notices")
        constraints = [models.CheckConstraint(condition=Q(hour__lt=24), name="preferences_hour")]

    def __str__(self) -> str:
        return f"of {self.user_id}"
