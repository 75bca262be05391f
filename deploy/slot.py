"""Socket slots: numbered Unix sockets in a folder that the containers of web share with nginx.

`python -m deploy.slot COMMAND …` locks the first free slot (1, 2, …), sets BIND to its socket, and executes
COMMAND. The kernel releases the lock when the last process of COMMAND ends, even by SIGKILL, so a new
container takes over the slot of the one before it.

`python -m deploy.slot drain`, in a running container, removes its socket: nginx sends it no new requests.
`deploy/upgrade` runs that in containers of the previous release, so this module keeps its name.
"""

import fcntl
import os
import sys
from contextlib import suppress
from pathlib import Path

FOLDER = Path("/run/kwippy")
NAME = "unix:/run/kwippy/slot"


def take(folder: Path) -> Path:
    """Locks the first free slot until this process and its children have ended.

    Returns the socket on which gunicorn listens; `published` is the one that nginx looks for.
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
    slot = folder / f"{number}.loading"
    # Left over from a killed process.
    published(slot).unlink(missing_ok=True)
    return slot


def published(slot: Path) -> Path:
    """The socket of a gunicorn that has loaded the site, as nginx finds it."""
    return slot.with_suffix(".sock")


def publish(address: str) -> None:
    """Links the socket at ``address`` to the name that nginx looks for, if it is a slot."""
    slot = Path(address.removeprefix("unix:"))
    if slot.suffix == ".loading":
        with suppress(FileExistsError):  # each worker of the container publishes it
            os.link(slot, published(slot))


def withdraw(address: str) -> None:
    """Removes the name that nginx looks for; open connections stay."""
    slot = Path(address.removeprefix("unix:"))
    if slot.suffix == ".loading":
        published(slot).unlink(missing_ok=True)


def drain() -> None:
    """Withdraws the gunicorn of this container, its first process."""
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
        slot = f"unix:{take(FOLDER)}"
        os.environ["BIND"] = ",".join(slot if address == NAME else address for address in addresses)
    os.execvp(command[0], command)  # noqa: S606 - the container's own command


if __name__ == "__main__":
    main(sys.argv[1:])
