"""`python -m deploy.local` is `make run`."""

import signal
import sys


def main() -> int:
    """Run the site; until there is anything to stop in order, Ctrl-C just ends us, without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from deploy.local import run

    return run.main()


if __name__ == "__main__":
    sys.exit(main())
