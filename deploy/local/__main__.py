"""`python -m deploy.local`, which `make run` calls."""

import signal
import sys


def main() -> int:
    """Run the site. Ctrl-C during the imports ends this at once, without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from deploy.local import run

    return run.main()


if __name__ == "__main__":
    sys.exit(main())
