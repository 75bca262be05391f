"""Messages between two people, reports of them, buzzes, and who takes which."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

TEXT_LIMIT = 5_000
NOTE_LIMIT = 500  # of a report


class Message(models.Model):
    """One person's copy of a message: ``owner`` has it, ``other`` is the other person of the conversation."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    other = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    is_mine = models.BooleanField()  # written by the owner
    text = models.TextField(_("your message"), max_length=TEXT_LIMIT)
    # An idempotency key of the writer: a form that is sent twice is one message.
    form_key = models.UUIDField(editable=False)
    sent_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("message")
        constraints = [
            # Begins with `other`: it serves the CASCADE from that person, too.
            models.UniqueConstraint(
                fields=["other", "owner", "is_mine", "form_key"], name="message_form_key_once"
            ),
        ]
        indexes = [models.Index(fields=["owner", "other", "-id"], name="message_conversation")]

    def __str__(self) -> str:
        return f"message {self.pk}"


class Side(models.Model):
    """One person's side of a conversation. It exists while ``owner`` has a message of it."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    other = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    # The owner's newest message.
    newest_id = models.PositiveBigIntegerField()
    is_unread = models.BooleanField(default=False)
    # Since the owner last deleted the conversation: then ``other`` may answer.
    has_written = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("conversation")
        constraints = [models.UniqueConstraint(fields=["owner", "other"], name="side_once")]
        indexes = [
            models.Index(fields=["owner", "-newest_id"], name="side_list"),
            # The unread mark.
            models.Index(fields=["owner"], name="side_unread", condition=Q(is_unread=True)),
            # For the CASCADE from a person, and for switching one off.
            models.Index(fields=["other"], name="side_other"),
        ]

    def __str__(self) -> str:
        return f"{self.owner_id} ↔ {self.other_id}"


class Preference(models.Model):
    """What a person takes from people whom they follow. Without a row: both."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    takes_messages = models.BooleanField(default=True)
    takes_buzzes = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("what a person takes")

    def __str__(self) -> str:
        return f"{self.user_id}"


class Buzz(models.Model):
    """The last buzz of ``buzzer`` to ``buzzed``."""

    buzzer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    buzzed = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    buzzed_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("buzz")
        constraints = [models.UniqueConstraint(fields=["buzzer", "buzzed"], name="buzz_once")]

    def __str__(self) -> str:
        return f"{self.buzzer_id} → {self.buzzed_id}"


class Report(models.Model):
    """A report of the previous release. `apps.moderation` takes it over; the next release drops the table."""

    message_id = models.BigIntegerField(unique=True, editable=False)  # the reporter's copy
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("reported by")
    )
    writer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("written by")
    )
    text = models.TextField(_("message"))
    sent_at = models.DateTimeField(_("sent"))
    note = models.TextField(_("what the reporter says"), max_length=NOTE_LIMIT, blank=True)
    reported_at = models.DateTimeField(_("reported"), db_default=Now(), editable=False)
    is_handled = models.BooleanField(_("handled"), default=False)

    class Meta:
        verbose_name = _("reported message")
        verbose_name_plural = _("reported messages")

    def __str__(self) -> str:
        return f"report {self.pk}"
