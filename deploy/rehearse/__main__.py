"""Rehearse, in order; say what was measured; leave nothing behind."""

import signal
import sys
import time
from collections.abc import Callable

from deploy.rehearse import backups, figures, hygiene, kills, manual, opening, upgrades, walk
from deploy.rehearse.stack import DOMAIN, SERVICES, RehearsalError, Stack, composes, run
from deploy.rehearse.terminal import Operator

Act = tuple[str, Callable[[Stack, Operator], None]]
ACTS: list[Act] = [
    ("from nothing", opening.play),
    ("what it takes", figures.play),
    ("who may do what", hygiene.play),
    ("one after the other is killed", kills.play),
    ("backup, the machine is lost, restore", backups.play),
    ("upgrade, rollback, more of them", upgrades.play),
]
SHORT: list[Act] = [("up, a kwip, upgrade, backup, restore, down", walk.play)]


def main() -> int:
    """0 if every promise was kept: all of them with one compose, a short walk with the other."""
    # A time limit ends us with SIGTERM: then, too, nothing may be left.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if run("docker", "info", check=False).returncode:
        print("rehearsal: no Docker engine answers here", file=sys.stderr)
        return 1
    started = time.monotonic()
    found = composes()
    if not found:
        print("rehearsal: neither docker-compose nor docker compose is here", file=sys.stderr)
        return 1
    acts = {"all": ACTS, "short": SHORT}
    wanted = sys.argv[1:] or ["short", "all"]
    for what in wanted:
        # The long one is with docker-compose where that is there, the short one with Compose v2.
        command = found[0] if what == "all" else found[-1]
        stack = Stack(command, DOMAIN if what == "all" else "localhost")
        if code := rehearse(stack, acts[what], started):
            return code
    print(f"rehearsal: all promises kept in {time.monotonic() - started:.0f} s", flush=True)
    return 0


def rehearse(stack: Stack, acts: list[Act], started: float) -> int:
    operator = Operator(stack)
    print(
        f"== {' '.join(stack.command)}: {run(*stack.command, 'version').stdout.splitlines()[0]}", flush=True
    )
    try:
        for name, play in acts:
            print(f"-- {name} ({time.monotonic() - started:.0f} s)", flush=True)
            play(stack, operator)
        if acts is ACTS and (missed := operator.missed()):
            raise RehearsalError(f"these lines were not typed, of {manual.GUIDE.name}: {missed}")
    except RehearsalError as error:
        print(f"rehearsal: {error}", file=sys.stderr)
        for service in [error.service] if error.service else SERVICES:
            print(f"-- the log of {service}:\n{stack.logs(service)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        stack.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
