"""The queue's tables: commands, recurring tasks, operators' settings, and the sending quota of each mailer.

Three columns have an older name than their field (``db_column``, ``db_table``): during an upgrade the code
before and the code after use the same table.
"""

from datetime import timedelta
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core import validators
from django.db import models
from django.db.models.functions import Now


class Queue(models.TextChoices):
    """A worker has threads for each queue, so a slow command delays only its own queue."""

    NOW = "now"  # a visitor waits for the result, such as a password reset
    DEFAULT = "default"
    BULK = "bulk"


class Kind(models.TextChoices):
    MAIL = "mail"
    TASK = "task"


class State(models.TextChoices):
    WAITING = "waiting"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"  # a dead letter: an operator has to look at it
    DISCARDED = "discarded"  # an operator or a hook gave it up


class Command(models.Model):
    """A message to send or a task to run, from the transaction that enqueued it until it is purged.

    All times are PostgreSQL's. The statements that change a command are in core/sql/.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=8, choices=Kind)
    queue_name = models.CharField(max_length=8, choices=Queue, db_column="lane")
    # The alias in MAILERS or TASKS through which it was enqueued.
    backend = models.CharField(max_length=64)
    priority = models.SmallIntegerField(db_default=0)
    state = models.CharField(max_length=12, choices=State, db_default=State.WAITING)
    # The body can open an account: it is erased with the last attempt, so the command can't be requeued.
    secret = models.BooleanField(db_default=False)

    created_at = models.DateTimeField(db_default=Now())
    run_after = models.DateTimeField(null=True)
    due_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    attempted_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    # The lease: a statement of a worker must name the token, and the lease must not have been taken back.
    token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    # The worker of each attempt, one entry an attempt.
    worker_ids = ArrayField(models.TextField(), db_default=[])
    # Attempts since the last one that reported a result: each of them may have crashed its worker.
    lost_attempts = models.SmallIntegerField(db_default=0, db_column="unanswered")
    # The last ten: {"at", "reason"}; a task's also have "exception" and "traceback".
    errors = models.JSONField(db_default=models.Value([], models.JSONField()))

    # Mail: the envelope, and the message as it is sent.
    message_id = models.TextField(db_default="")
    sender = models.TextField(db_default="")
    # Recipients still to be reached; of a finished command those of its last attempt.
    recipients = ArrayField(models.TextField(), db_default=[])
    # Recipients refused for good, each with the server's reply.
    refused = models.JSONField(db_default=models.Value({}, models.JSONField()))
    body = models.BinaryField(null=True)

    # Task: its dotted path, {"args", "kwargs"}, {"value": what it returned}.
    task = models.TextField(db_default="")
    arguments = models.JSONField(null=True)
    result = models.JSONField(null=True)

    class Meta:
        indexes = [
            models.Index(
                "queue_name",
                models.F("priority").desc(),
                "due_at",
                "id",
                name="commandqueue_due",
                condition=models.Q(state=State.WAITING),
                include=["expires_at"],
            ),
            # Without lease_until, so that renewing a lease writes to no index.
            models.Index(
                fields=["queue_name"], name="commandqueue_leased", condition=models.Q(state=State.LEASED)
            ),
            models.Index(
                fields=["state", "finished_at"],
                name="commandqueue_finished",
                condition=models.Q(finished_at__isnull=False),
            ),
        ]

    # Waits after a failed attempt, or was due a minute ago and is not started. As in core/sql/stuck.sql.
    STUCK: ClassVar[models.Q] = models.Q(state=State.WAITING) & (
        models.Q(attempted_at__isnull=False) | models.Q(due_at__lt=Now() - timedelta(minutes=1))
    )

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Schedule(models.Model):
    """A recurring task. The settings declare it; a worker synchronizes the table when it starts."""

    name = models.CharField(max_length=64, primary_key=True)
    backend = models.CharField(max_length=64)
    task = models.TextField()
    arguments = models.JSONField(db_default=models.Value({}, models.JSONField()), blank=True)
    every = models.DurationField()
    enabled = models.BooleanField(db_default=True, default=True)
    next_at = models.DateTimeField(db_default=Now())
    # The task is not enqueued again before this command has finished.
    last_command_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(every__gte=timedelta(seconds=1)), name="commandqueue_every_is_positive"
            )
        ]

    def __str__(self) -> str:
        return self.name


class QueueControl(models.Model):
    """An operator's settings of a queue; without a row it runs as fast as it can. Each claim reads it."""

    queue_name = models.CharField(max_length=8, choices=Queue, primary_key=True)
    paused = models.BooleanField(db_default=False, default=False)
    # The most commands that are claimed in a second, by all workers together, and once as many again after a
    # time without commands; None is no limit.
    per_second = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[validators.MinValueValidator(1)]
    )
    # When the next may be claimed, if there is a pace.
    next_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(per_second=None) | models.Q(per_second__gte=1),
                name="commandqueue_pace_is_positive",
            )
        ]

    def __str__(self) -> str:
        return self.queue_name


class SendQuota(models.Model):
    """What a mailer with a daily cap or a rate has used of it: one row a mailer."""

    mailer = models.CharField(max_length=64, primary_key=True)
    day = models.DateField()
    used = models.IntegerField()
    # When the next message may be sent.
    next_at = models.DateTimeField()

    class Meta:
        db_table = "commandqueue_allowance"

    def __str__(self) -> str:
        return self.mailer
