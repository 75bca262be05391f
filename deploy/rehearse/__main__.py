"""Rehearse, in order; say what was measured; leave nothing behind."""

import signal
import sys
import time
from collections.abc import Callable

from deploy.rehearse import figures, hygiene, keeping, kills, opening, upgrades
from deploy.rehearse.stack import SERVICES, RehearsalError, Stack, run

ACTS: list[tuple[str, Callable[[Stack], None]]] = [
    ("from nothing", opening.play),
    ("what it takes", figures.play),
    ("who may do what", hygiene.play),
    ("one after the other is killed", kills.play),
    ("backup, the machine is lost, restore", keeping.play),
    ("upgrade, rollback, more of them", upgrades.play),
]


def main() -> int:
    """0 if every promise was kept."""
    # A time limit ends us with SIGTERM: then, too, nothing may be left.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if run("docker", "info", check=False).returncode:
        print("rehearsal: no Docker engine answers here", file=sys.stderr)
        return 1
    stack = Stack()
    started = time.monotonic()
    try:
        for name, play in ACTS:
            print(f"-- {name} ({time.monotonic() - started:.0f} s)", flush=True)
            play(stack)
    except RehearsalError as error:
        print(f"rehearsal: {error}", file=sys.stderr)
        for service in [error.service] if error.service else SERVICES:
            print(f"-- the log of {service}:\n{stack.logs(service)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        stack.remove()
    print(f"rehearsal: all promises kept in {time.monotonic() - started:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
