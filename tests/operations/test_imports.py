"""What a process of the site loads: libraries that few requests need are imported by those."""

import os
import subprocess
import sys

from django.conf import settings


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
