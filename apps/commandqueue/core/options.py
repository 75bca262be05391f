"""How a worker runs, in seconds and commands."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """How long finished commands stay in the table, for operators and for `get_result`."""

    done: float = 604_800.0
    dead: float = 7_776_000.0


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    lease: float = 60.0
    # An idle thread polls again after 0.5 to 1 of this. NOTIFY would serialize all commits of the site.
    poll: float = 0.5
    batch: int = 20
    # Batched tasks of one claim (`QueueTaskBackend`) are begun for so long; the others are given back.
    batch_seconds: float = 0.5
    # After SIGTERM a started command may take so long; then it is given back. Docker kills after 60 s.
    grace: float = 50.0
    # The longest pause before an unreachable mail server is tried again.
    longest_pause: float = 30.0
    # A command whose attempts were lost so many times in a row is a dead letter: it may crash its workers.
    max_lost_attempts: int = 3
    retention: RetentionPolicy = RetentionPolicy()

    @property
    def message_deadline(self) -> float:
        """The time limit for one message: well before its lease ends and another worker may send it."""
        return self.lease * 0.75
