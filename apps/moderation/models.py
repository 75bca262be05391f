"""Cases, reports, notes, warnings, appeals, and the audit log."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

WORDS_LIMIT = 1_000  # of a report, a reason, a note
APPEAL_LIMIT = 2_000
APPEAL_DAYS = 30


class Kind(models.TextChoices):
    """What a case is about; ``Case.subject`` is its id."""

    KWIP = "kwip", _("a kwip or comment")
    MESSAGE = "message", _("a message")
    PERSON = "person", _("a person")
    APPEAL = "appeal", _("an appeal")  # of an `Action`


class Reason(models.TextChoices):
    SPAM = "spam", _("spam or advertising")
    HARASSMENT = "harassment", _("harassment or hate")
    ILLEGAL = "illegal", _("something illegal")
    PRIVATE = "private", _("a person's private matters")
    IMPERSONATION = "impersonation", _("pretends to be another person")
    OTHER = "other", _("something else")


class What(models.TextChoices):
    """What a moderator does."""

    DISMISS = "dismiss", _("dismiss")
    RELEASE = "release", _("let it be seen")  # of a kwip that waits
    WARN = "warn", _("warn")
    HIDE = "hide", _("hide it")
    UNHIDE = "unhide", _("show it again")
    DELETE = "delete", _("delete it for good")
    LIMIT = "limit", _("limit the person")
    UNLIMIT = "unlimit", _("limit no longer")
    SUSPEND = "suspend", _("suspend the person")
    RESTORE = "restore", _("suspend no longer")
    UPHOLD = "uphold", _("it stays as it is")  # answers to an appeal
    OVERTURN = "overturn", _("it was wrong: undo it")


class Case(models.Model):
    """A thing that moderators look at. ``person`` wrote it, or is it, or appeals."""

    kind = models.CharField(max_length=8, choices=Kind)
    subject = models.BigIntegerField()
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    text = models.TextField(blank=True)  # a copy, as of `opened_at`
    opened_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("case")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"], condition=Q(closed_at__isnull=True), name="case_open_once"
            ),
        ]
        indexes = [
            models.Index(fields=["id"], name="case_open", condition=Q(closed_at__isnull=True)),
            models.Index(fields=["person", "-id"], name="case_person"),
        ]

    def __str__(self) -> str:
        return f"case {self.pk}"


class Report(models.Model):
    """What one person says about the thing of a case."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="reports", db_index=False)
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    reason = models.CharField(max_length=16, choices=Reason)
    words = models.TextField(max_length=WORDS_LIMIT, blank=True)
    text = models.TextField(blank=True)  # a copy of what is reported, as of then
    reported_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("report")
        constraints = [models.UniqueConstraint(fields=["case", "reporter"], name="report_once")]

    def __str__(self) -> str:
        return f"report {self.pk}"


class Note(models.Model):
    """What a moderator writes about a person, for moderators."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    writer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    text = models.TextField(max_length=WORDS_LIMIT)
    written_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("note")
        indexes = [models.Index(fields=["person", "-id"], name="note_person")]

    def __str__(self) -> str:
        return f"note {self.pk}"


class Action(models.Model):
    """A row of the audit log. The database refuses to change or delete it (migration 0001).

    So it has no foreign keys, and of people their ids alone, in the words too (`erasing.nameless`).
    """

    at = models.DateTimeField(db_default=Now())
    actor_id = models.BigIntegerField(null=True)  # NULL: the command line
    what = models.CharField(max_length=8, choices=What)
    person_id = models.BigIntegerField()  # whom it concerns
    kwip_id = models.BigIntegerField(null=True)
    case_id = models.BigIntegerField(null=True)
    reason = models.CharField(max_length=16, choices=Reason, blank=True)
    words = models.TextField(max_length=WORDS_LIMIT, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    form_key = models.UUIDField(unique=True)  # a form that is sent twice is one action

    class Meta:
        verbose_name = _("moderation action")
        verbose_name_plural = _("audit log")
        indexes = [
            models.Index(fields=["person_id", "-id"], name="action_person"),
            models.Index(fields=["kwip_id"], name="action_kwip", condition=Q(kwip_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"action {self.pk}"


class Warning(models.Model):  # noqa: A001 - the field's own noun
    """A warning, which its person sees before anything else until they say that they read it."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    action_id = models.BigIntegerField()
    reason = models.CharField(max_length=16, choices=Reason)
    words = models.TextField(max_length=WORDS_LIMIT, blank=True)
    text = models.TextField(blank=True)  # what it is about
    given_at = models.DateTimeField(db_default=Now())
    read_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("warning")
        indexes = [
            models.Index(fields=["person"], name="warning_unread", condition=Q(read_at__isnull=True)),
            models.Index(fields=["person", "-id"], name="warning_person"),
        ]

    def __str__(self) -> str:
        return f"warning {self.pk}"


class Appeal(models.Model):
    """What a person says against an action; one an action. Its open `Case` has the kind APPEAL."""

    action_id = models.BigIntegerField(unique=True)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    words = models.TextField(max_length=APPEAL_LIMIT)
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("appeal")

    def __str__(self) -> str:
        return f"appeal {self.pk}"


class FactorDuty(models.Model):
    """Since when a person with a role needs a second factor (`factor_duty`)."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    since = models.DateTimeField(db_default=Now())
