"""A program's requests while a service is down, or while the site is killed: it sends them again."""

import json
import os
import subprocess
import sys
import time

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from apps.kwips.models import Kwip
from apps.tokens.tests.conftest import token_of
from deploy.local.memcached import Memcached
from deploy.local.postgres import Postgres
from tests.faults.test_cache_faults import server as memcached_server
from tests.support.http import Response, request
from tests.support.people import member
from tests.support.private_postgres import manage, where
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)

hurt_memcached = memcached_server
_MEMBER = """
from apps.tokens.tests.conftest import token_of
from tests.support.people import member
print(token_of(member("ann")))
"""
_KILLED = """
import os, signal
import django
django.setup()
from django.test import Client
from apps.tokens import answers
def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
answers.made = die
browser = Client(headers={{"Host": "localhost"}})
browser.post("/api/kwips/", {body!r}, "application/json", headers={headers!r})
"""


def post(port: int, secret: str, text: str, key: str) -> Response:
    headers = {
        "Authorization": f"Bearer {secret}",
        "Content-Type": "application/json",
        "Idempotency-Key": key,
    }
    body = json.dumps({"text": text}).encode()
    return request(port, "/api/kwips/", *headers.items(), method="POST", body=body)


def read(port: int, secret: str) -> Response:
    return request(port, "/api/network/", ("Authorization", f"Bearer {secret}"))


def test_without_postgresql_a_program_is_told_when_to_send_it_again(server: Postgres, memcached: str) -> None:
    secret = manage(server, "shell", "--verbosity=0", "-c", _MEMBER).strip()
    with served(memcached=memcached, workers=1, variables=where(server)) as port:
        assert post(port, secret, "before", "1").status == 201
        server.stop()
        for answer in (post(port, secret, "after", "2"), read(port, secret)):
            assert answer.status == 503
            assert answer.headers["Content-Type"] == "application/json"
            assert int(answer.headers["Retry-After"]) > 0
            assert "Try again" in json.loads(answer.body)["error"]
        server.start()
        deadline = time.monotonic() + 30
        while (answer := post(port, secret, "after", "2")).status == 503:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert answer.status == 201
        assert [kwip["text"] for kwip in json.loads(read(port, secret).body)] == ["after", "before"]


def test_without_memcached_programs_write_and_read(hurt_memcached: Memcached) -> None:
    secret = token_of(member("ann"))
    with served(memcached=hurt_memcached.address, workers=1) as port:
        assert post(port, secret, "with", "1").status == 201
        hurt_memcached.stop()
        assert post(port, secret, "without", "2").status == 201
        assert [kwip["text"] for kwip in json.loads(read(port, secret).body)] == ["without", "with"]


def test_killed_before_the_answer_the_same_key_gives_the_same_kwip(memcached: str) -> None:
    secret = token_of(member("ann"))
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "once"}
    body = {"text": "once"}
    environment = os.environ | {
        "DATABASE_NAME": str(connection.settings_dict["NAME"]),
        "MEMCACHED_SERVERS": memcached,
    }
    script = _KILLED.format(body=body, headers=headers)
    died = subprocess.run([sys.executable, "-c", script], env=environment, cwd=settings.BASE_DIR, check=False)
    assert died.returncode == -9
    kwip = Kwip.objects.get()
    again = Client().post("/api/kwips/", body, "application/json", headers=headers)
    assert (again.status_code, again.json()["id"]) == (200, str(kwip.pk))
    assert Kwip.objects.count() == 1
