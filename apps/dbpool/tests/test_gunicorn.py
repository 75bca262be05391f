"""Under gunicorn that loads the site before it forks: what the first process opened is no worker's."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from apps.dbpool.tests.conftest import Database

SITE = """
import json, os
from django.conf import settings
settings.configure(
    ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="x",
    DATABASES={{"default": {{
        "ENGINE": "apps.dbpool", "HOST": "{host}", "NAME": "dbpool", "USER": "kwippy",
        "POOL": {{"max_size": 2}},
    }}}},
)
import django
django.setup(set_prefix=False)
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import JsonResponse
from django.urls import path

def backend():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]

def page(request):
    return JsonResponse([os.getpid(), backend(), opened], safe=False)

urlpatterns = [path("", page)]
application = get_wsgi_application()
# One that the first process still holds, and one that it has given back.
opened = [backend()]
held = connection.copy()
held.ensure_connection()
opened.append(held.connection.info.backend_pid)
{then}
"""


@pytest.fixture(params=["connection.close()", "pass"], ids=["idle", "held"])
def site(request, database: Database, tmp_path: Path) -> Iterator[str]:
    """Two workers of a site that was loaded before they were; gives the address."""
    (tmp_path / "pooledsite.py").write_text(SITE.format(host=database.server.sockets, then=request.param))
    command = [sys.executable, "-m", "gunicorn", "pooledsite", "--preload", "--workers=2", "--threads=4"]
    command += ["--worker-class=gthread", "--bind=127.0.0.1:0", "--log-level=info", "--no-control-socket"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(settings.BASE_DIR)])}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    log = (tmp_path / "gunicorn.log").open("w+")
    server = subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=log)
    try:
        yield _address(server, Path(log.name))
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
        log.close()


def _address(server: "subprocess.Popen[bytes]", log: Path) -> str:
    while server.poll() is None:
        for word in log.read_text().split():
            if word.startswith("http://127.0.0.1:"):
                return word
    raise AssertionError(log.read_text())


def test_a_connection_that_the_first_process_opened_is_used_by_no_worker(
    site: str, database: Database
) -> None:
    seen: dict[int, set[int]] = {}
    opened: list[int] = []
    for _ in range(1000):
        with urllib.request.urlopen(site, timeout=30) as answer:
            worker, backend, opened = json.load(answer)
        seen.setdefault(worker, set()).add(backend)
        if len(seen) == 2:
            break
    first, second = seen.values()
    assert not first & second
    assert not (first | second) & set(opened)
    # And they are whole: the workers have not closed them for their parent.
    alive = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s) AND state = 'idle'"
    assert database.admin(alive, opened) == [(2,)]
