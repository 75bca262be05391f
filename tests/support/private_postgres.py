"""A PostgreSQL for one test module, with an empty site, which the tests may kill."""

import json
import os
import subprocess
import sys

from django.conf import settings

from deploy.local.postgres import Postgres


def where(server: Postgres) -> dict[str, str]:
    return {"DATABASE_HOST": str(server.sockets), "DATABASE_NAME": "kwippy"}


def manage(server: Postgres, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=settings.BASE_DIR,
        env=os.environ | where(server) | {"STATIC_MANIFEST": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def sessions(server: Postgres, people: int) -> list[str]:
    """Creates that many users, and returns their session cookies."""
    script = f"""
import json, uuid
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.test import Client
from apps.accounts.models import User
from tests.support.plugin import just_signed_in
user_logged_in.connect(just_signed_in)
cookies = []
for _ in range({people}):
    name = "u" + uuid.uuid4().hex[:12]
    client = Client()
    client.force_login(User.objects.create_user(name, name + "@example.org"))
    cookies.append(client.cookies[settings.SESSION_COOKIE_NAME].value)
print(json.dumps(cookies))
"""
    found: list[str] = json.loads(manage(server, "shell", "--verbosity=0", "-c", script))
    return found
