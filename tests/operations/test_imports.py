"""What a process of the site loads, and how it ends. Libraries that few requests need come with those."""

import os
import subprocess
import sys

from django.conf import settings

from tests.support.forked_manage import forked_manage


def test_a_web_process_starts_without_pillow() -> None:
    program = "import sys; import kwippy.wsgi, kwippy.urls; print('PIL' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "kwippy.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False"]


def test_a_command_ends_without_a_look_for_garbage() -> None:
    garbage = "class Cup:\n    def __del__(self): print('found')\ncup = Cup(); cup.itself = cup; del cup, Cup"
    with forked_manage() as manage:
        done = manage("shell", "-v0", "-c", garbage, DEBUG="true")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
