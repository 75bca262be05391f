#!/usr/bin/env python
"""Django's command line for kwippy."""

import atexit
import gc
import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kwippy.settings")
    # Or Python would look for garbage among all objects of the site as it ends, for a third of a second.
    atexit.register(gc.freeze)
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
