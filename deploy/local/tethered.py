"""Run a command that ends when whatever started it does: `python -m deploy.local.tethered CMD…`.

honcho keeps each of its commands below a process of its own; if that is killed the command would
go on alone, holding the port.
"""

import os
import signal
import sys

from deploy.local import services


def main() -> None:
    """Become the command given on the command line."""
    services.die_with_parent(signal.SIGTERM, parent=os.getppid())()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the Procfile is ours


if __name__ == "__main__":
    main()
