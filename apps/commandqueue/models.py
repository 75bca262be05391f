"""What the queue keeps: commands, what recurs, and how much mail has gone out today."""

from datetime import timedelta
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class Lane(models.TextChoices):
    """Lanes do not wait for one another: each has threads of its own in every worker."""

    NOW = "now"  # somebody sits in front of the screen and waits for it
    DEFAULT = "default"
    BULK = "bulk"


class Kind(models.TextChoices):
    MAIL = "mail"
    TASK = "task"


class State(models.TextChoices):
    WAITING = "waiting"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"  # a dead letter: somebody has to look at it
    DISCARDED = "discarded"  # somebody has looked at it


class Command(models.Model):
    """One thing to do, from the transaction that asked for it until it is purged.

    Every time in it is PostgreSQL's. The statements that change it are in sql/.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=8, choices=Kind)
    lane = models.CharField(max_length=8, choices=Lane)
    # The alias in MAILERS or TASKS that it came in by.
    backend = models.CharField(max_length=64)
    priority = models.SmallIntegerField(db_default=0)
    state = models.CharField(max_length=12, choices=State, db_default=State.WAITING)
    # Its body opens an account: it goes with the last attempt and can't be requeued.
    secret = models.BooleanField(db_default=False)

    created_at = models.DateTimeField(db_default=Now())
    run_after = models.DateTimeField(null=True)
    due_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    attempted_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    # One entry an attempt: who made it.
    worker_ids = ArrayField(models.TextField(), db_default=[])
    # Attempts since the last one that ended with any result; a command that kills workers collects them.
    unanswered = models.SmallIntegerField(db_default=0)
    # The last ten: {"at", "reason"}, a task's with "exception" and "traceback" besides.
    errors = models.JSONField(db_default=models.Value([], models.JSONField()))

    # Mail: the envelope, and the message as it goes over the wire.
    message_id = models.TextField(db_default="")
    sender = models.TextField(db_default="")
    # Those who have yet to get it; when it is finished, those it reached last, or did not reach.
    recipients = ArrayField(models.TextField(), db_default=[])
    # Those who never will, each with the server's reason.
    refused = models.JSONField(db_default=models.Value({}, models.JSONField()))
    body = models.BinaryField(null=True)

    # Task: its path, {"args", "kwargs"}, what it returned.
    task = models.TextField(db_default="")
    arguments = models.JSONField(null=True)
    result = models.JSONField(null=True)

    class Meta:
        indexes = [
            models.Index(
                "lane",
                models.F("priority").desc(),
                "due_at",
                "id",
                name="commandqueue_due",
                condition=models.Q(state=State.WAITING),
                include=["expires_at"],
            ),
            # Without lease_until, so that renewing a lease touches no index.
            models.Index(fields=["lane"], name="commandqueue_leased", condition=models.Q(state=State.LEASED)),
            models.Index(
                fields=["state", "finished_at"],
                name="commandqueue_finished",
                condition=models.Q(finished_at__isnull=False),
            ),
        ]

    # Waits after a failed attempt, or has not been begun within a minute: as in sql/stuck.sql.
    STUCK: ClassVar[models.Q] = models.Q(state=State.WAITING) & (
        models.Q(attempted_at__isnull=False) | models.Q(due_at__lt=Now() - timedelta(minutes=1))
    )

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Schedule(models.Model):
    """A task that recurs. The settings declare it; a worker brings the table in line when it starts."""

    name = models.CharField(max_length=64, primary_key=True)
    backend = models.CharField(max_length=64)
    task = models.TextField()
    arguments = models.JSONField(db_default=models.Value({}, models.JSONField()), blank=True)
    every = models.DurationField()
    enabled = models.BooleanField(db_default=True, default=True)
    next_at = models.DateTimeField(db_default=Now())
    # Not enqueued again while this one is not finished.
    last_command_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(every__gte=timedelta(seconds=1)), name="commandqueue_every_is_positive"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Allowance(models.Model):
    """How much a mailer has sent: one row each, for those with a daily cap or a rate."""

    mailer = models.CharField(max_length=64, primary_key=True)
    day = models.DateField()
    used = models.IntegerField()
    # When the next message may go.
    next_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.mailer
