"""Runs the scenes in order, prints the measurements and removes everything again."""

import signal
import sys
import time
from collections.abc import Callable

from deploy.rehearse import backups, figures, hygiene, kills, logs, manual, opening, upgrades, walk
from deploy.rehearse.stack import DOMAIN, SERVICES, RehearsalError, Stack, composes, run
from deploy.rehearse.terminal import Operator

Scene = tuple[str, Callable[[Stack, Operator], None]]
SCENES: list[Scene] = [
    ("from nothing", opening.play),
    ("idle memory and image size", figures.play),
    ("container privileges and logs", hygiene.play),
    ("each service is killed", kills.play),
    ("backup, loss of the machine, restore", backups.play),
    ("upgrade, rollback, scaling", upgrades.play),
    ("the log on another machine", logs.play),
]
SHORT: list[Scene] = [("up, a kwip, upgrade, backup, restore, down", walk.play)]


def main() -> int:
    """Returns 0 if every check passed: all scenes with one compose, the short walk with the other."""
    # A time limit sends SIGTERM; clean up then, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if run("docker", "info", check=False).returncode:
        print("rehearsal: no Docker engine responds", file=sys.stderr)
        return 1
    started = time.monotonic()
    found = composes()
    if not found:
        print("rehearsal: neither docker-compose nor docker compose is installed", file=sys.stderr)
        return 1
    scenes = {"all": SCENES, "short": SHORT}
    wanted = sys.argv[1:] or ["short", "all"]
    for what in wanted:
        # All scenes run with docker-compose if it is installed, the short walk with Compose v2.
        command = found[0] if what == "all" else found[-1]
        stack = Stack(command, DOMAIN if what == "all" else "localhost")
        if code := rehearse(stack, scenes[what], started):
            return code
    print(f"rehearsal: all checks passed in {time.monotonic() - started:.0f} s", flush=True)
    return 0


def rehearse(stack: Stack, scenes: list[Scene], started: float) -> int:
    operator = Operator(stack)
    print(
        f"== {' '.join(stack.command)}: {run(*stack.command, 'version').stdout.splitlines()[0]}", flush=True
    )
    try:
        for name, play in scenes:
            print(f"-- {name} ({time.monotonic() - started:.0f} s)", flush=True)
            play(stack, operator)
        if scenes is SCENES and (missed := operator.missed()):
            raise RehearsalError(f"these lines of {manual.GUIDE.name} were not typed: {missed}")
    except RehearsalError as error:
        for service in [error.service] if error.service else SERVICES:
            print(f"-- the log of {service}:\n{stack.logs(service)}", file=sys.stderr)
        # Last: the end of a long output is what people read.
        print(f"rehearsal: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        stack.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
