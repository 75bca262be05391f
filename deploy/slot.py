"""A place for this container's gunicorn in the folder that it shares with nginx.

`python -m deploy.slot COMMAND …` takes the first free place (1, 2, …), sets BIND to the socket there, and
becomes COMMAND. The place is free again when the last process of COMMAND has ended, however it ended: a
container that is made anew is found where the old one was.

`python -m deploy.slot drain`, in a running container: nothing new comes to it from now on.
"""

import fcntl
import os
import sys
from pathlib import Path

FOLDER = Path("/run/kwippy")
NAME = "unix:/run/kwippy/slot"


def take(folder: Path) -> Path:
    """The first place that nobody has, ours until this process and its children have ended.

    Returns where gunicorn is to listen; `published` is where nginx looks for it.
    """
    number = 1
    while True:
        lock = os.open(folder / f"{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            os.close(lock)
            number += 1
    os.set_inheritable(lock, True)
    place = folder / f"{number}.loading"
    # What one left that was killed.
    published(place).unlink(missing_ok=True)
    return place


def published(place: Path) -> Path:
    """The name under which nginx finds a gunicorn that has loaded the site."""
    return place.with_suffix(".sock")


def publish(address: str) -> None:
    """Let nginx find the gunicorn that listens at ``address``, if that is a place."""
    place = Path(address.removeprefix("unix:"))
    if place.suffix == ".loading" and not published(place).exists():
        os.link(place, published(place))


def withdraw(address: str) -> None:
    """Let nobody find it any more; who is connected stays connected."""
    place = Path(address.removeprefix("unix:"))
    if place.suffix == ".loading":
        published(place).unlink(missing_ok=True)


def drain() -> None:
    """Withdraw the gunicorn of this container, which is its first process."""
    for variable in Path("/proc/1/environ").read_text().split("\0"):
        if variable.startswith("BIND="):
            for address in variable.removeprefix("BIND=").split(","):
                withdraw(address)


def main(command: list[str]) -> None:
    if command == ["drain"]:
        drain()
        return
    addresses = os.environ.get("BIND", "").split(",")
    if NAME in addresses:
        place = f"unix:{take(FOLDER)}"
        os.environ["BIND"] = ",".join(place if address == NAME else address for address in addresses)
    os.execvp(command[0], command)  # noqa: S606 - what we were asked to become


if __name__ == "__main__":
    main(sys.argv[1:])
