"""`/livez` and `/readyz`."""

import json

import pytest
from django.db import connection
from django.test import Client

from kwippy.observability import health


@pytest.fixture(autouse=True)
def not_looked_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", False)


@pytest.mark.django_db
def test_a_site_whose_tables_are_older_than_its_code_is_not_ready(client: Client) -> None:
    ready = client.get("/readyz")
    assert (ready.status_code, json.loads(ready.content)["migrations"]) == (200, True)
    health._migrated = False
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE app = 'limits' AND name = '0003_rate_limit_window'"
        )
    late = client.get("/readyz")
    assert (late.status_code, json.loads(late.content)["migrations"]) == (503, False)
    assert client.get("/livez").status_code == 200


@pytest.mark.django_db
def test_what_is_migrated_is_not_looked_at_again(client: Client) -> None:
    client.get("/readyz")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations")
    assert client.get("/readyz").status_code == 200
