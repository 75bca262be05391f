"""The report of `manage.py queue status`."""

from collections.abc import Iterator

from apps.commandqueue.core import store
from apps.commandqueue.core.outcomes import loggable

# At most so many stuck commands are listed: most have the same reason.
LISTED = 10


def report() -> Iterator[str]:
    """The counts of each queue, and the oldest stuck commands with their reasons."""
    counts = store.status()
    if not counts:
        yield "No command waits, is leased or is dead."
    paused = store.paused()
    for name in sorted(paused):
        yield f"{name:<8} is paused by an operator: /admin/commandqueue/queuecontrol/"
    for name, pace in sorted(store.paces().items()):
        yield f"{name:<8} has a pace of {pace:,} a second: /admin/commandqueue/queuecontrol/"
    for row in counts:
        age = "not due yet" if row.age < 0 else f"for {row.age:,.0f} s"
        stuck = f"   {row.stuck:,} stuck" if row.stuck else ""
        yield f"{row.queue_name:<8} {row.state:<8} {row.count:>9,}   the oldest {age}{stuck}"
    if any(row.stuck for row in counts):
        yield "\nStuck, the oldest first:"
        yield from map(_line, store.stuck(limit=LISTED))


def _line(command: store.StuckCommand) -> str:
    reason = loggable(command.error) if command.error else "no worker has started it"
    next_attempt = f"in {command.next_in:,.0f} s" if command.next_in > 0 else "when a worker is free"
    return (
        f"{command.id:>9} {command.kind:<4} {command.queue_name:<8} for {command.age:,.0f} s,"
        f" {command.attempts} attempts, next {next_attempt}: {reason}"
    )
