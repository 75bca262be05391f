"""The migrations since an earlier commit run while its code serves: nothing fails, is lost or leaks."""

import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from django.conf import settings

from deploy.local.postgres import ROLE, Postgres
from tests.support.http import Visitor
from tests.support.private_postgres import where
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)

# The last commit whose kwips have neither `visibility` nor `withheld`.
EARLIER = "3944fec44794"
WRITERS = 6

# People of the earlier release and their kwips: public, for followers, and of a deactivated person.
BEFORE = """
import json
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.test import Client
from apps.accounts.models import User
from apps.kwips.models import Kwip
names = ["ann", "bob", "off", "late", *(f"writer{n}" for n in range(WRITERS))]
people = {name: User.objects.create_user(name, name + "@example.org") for name in names}
def write(name, number, text, **fields):
    Kwip.objects.bulk_create(Kwip(author=people[name], text=text, **fields) for _ in range(number))
write("ann", 1500, "open")
write("off", 2500, "off 2500")
write("late", 30, "late 30")
write("ann", 2500, "secret", audience=people["ann"])
people["off"].is_active = False
people["off"].save()
cookies = {}
for name in names:
    if name != "off":
        client = Client()
        client.force_login(people[name])
        cookies[name] = client.cookies[settings.SESSION_COOKIE_NAME].value
        # As a sign-in by the form does.
        UserSession.objects.create(user=people[name], session_key=cookies[name], ip="127.0.0.1")
print(json.dumps(cookies))
""".replace("WRITERS", str(WRITERS))
PATHS = ("/everyone/", "/everyone/?sort=active", "/ann/", "/writer0/", "/writer1/", "/everyone/feed.atom")


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code of the earlier commit."""
    packed = subprocess.run(
        ["git", "archive", EARLIER], cwd=settings.BASE_DIR, capture_output=True, check=False
    )
    if packed.returncode:
        pytest.skip(f"this checkout's history does not reach back to {EARLIER}")
    folder = tmp_path_factory.mktemp("earlier")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Postgres]:
    server = Postgres(tmp_path / "postgres", sockets=tmp_path / "run", durable=False)
    server.start()
    server.create_database("kwippy")
    yield server
    server.stop()


def manage(checkout: Path, server: Postgres, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=checkout,
        env=os.environ | where(server) | {"STATIC_MANIFEST": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(server: Postgres, sql: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(host=str(server.sockets), dbname="kwippy", user=ROLE)
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())
    finally:
        connection.close()


class Writer(threading.Thread):
    """Publishes public kwips and kwips for followers in turn, and records the acknowledged ones."""

    def __init__(self, port: int, session: str) -> None:
        super().__init__()
        self.visitor = Visitor(port, session)
        self.over = threading.Event()
        self.acknowledged: list[str] = []
        self.statuses: set[int] = set()

    def run(self) -> None:
        # Within the limit of 30 in ten minutes.
        for number in range(28):
            if self.over.wait(0.25):
                return
            word = uuid.uuid4().hex
            form = {"text": f"secret {word}" if number % 2 else f"open {word}", "form_key": str(uuid.uuid4())}
            if number % 2:
                form["followers_only"] = "on"
            answer = self.visitor.post("/kwip/", None, **form)
            self.statuses.add(answer.status)
            if answer.status == 302:
                self.acknowledged.append(word)


class Reader(threading.Thread):
    """Reads pages as a member without followees, and records kwips that must be hidden."""

    def __init__(self, port: int, session: str = "") -> None:
        super().__init__()
        self.visitor = Visitor(port, session)
        self.over = threading.Event()
        self.statuses: set[int] = set()
        self.leaks: list[tuple[str, str]] = []
        self.rounds = 0

    def run(self) -> None:
        while not self.over.is_set():
            for path in PATHS:
                answer = self.visitor.get(path)
                self.statuses.add(answer.status)
                self.leaks += [(path, word) for word in ("secret", "off 2500") if word in answer.text]
            self.rounds += 1


def test_an_upgrade_beside_the_earlier_release_loses_and_shows_nothing(
    earlier: Path, server: Postgres
) -> None:
    manage(earlier, server, "migrate", "--verbosity=0")
    cookies = json.loads(manage(earlier, server, "shell", "--verbosity=0", "-c", BEFORE))
    uncached = {**where(server), "PAGECACHE": "false", "DATABASE_POOL_SIZE": "6"}
    threads: list[Writer | Reader] = []
    with served(memcached="", variables=uncached, checkout=earlier) as old:
        writers = [Writer(old, cookies[f"writer{number}"]) for number in range(WRITERS)]
        readers = [Reader(old), Reader(old, cookies["bob"])]
        threads += [*writers, *readers]
        try:
            for thread in threads:
                thread.start()
            # The release step, while the earlier release serves.
            manage(settings.BASE_DIR, server, "migrate", "--verbosity=0")
            with served(memcached="", variables=uncached) as new:
                readers += [Reader(new), Reader(new, cookies["bob"])]
                threads += readers[2:]
                for reader in readers[2:]:
                    reader.start()
                for writer in writers:
                    writer.join()
                # The earlier release deactivates a person; the new release's command withholds the kwips.
                manage(earlier, server, "moderate", "late", "--off")
                align = "from apps.kwips.withholding import align_all; print(align_all.call())"
                assert int(manage(settings.BASE_DIR, server, "shell", "--verbosity=0", "-c", align)) == 30
                assert "late 30" not in Visitor(new).get("/everyone/").text
                assert Visitor(new, cookies["writer1"]).get("/writer1/").text.count("secret") > 0
                for reader in readers:
                    reader.over.set()
                    reader.join()
        finally:
            for thread in threads:
                thread.over.set()
            for thread in threads:
                thread.join()
    assert {status for writer in writers for status in writer.statuses} == {302}
    assert {status for reader in readers for status in reader.statuses} == {200}
    assert [reader.leaks for reader in readers] == [[]] * 4
    assert all(reader.rounds > 1 for reader in readers)
    acknowledged = sorted(word for writer in writers for word in writer.acknowledged)
    assert len(acknowledged) == 28 * WRITERS
    found = rows(server, "SELECT split_part(text, ' ', 2) FROM kwips_kwip WHERE text ~ '^(open|secret) '")
    assert sorted(str(word) for (word,) in found) == acknowledged
    # Every existing row has its new columns.
    assert rows(server, "SELECT DISTINCT visibility FROM kwips_kwip WHERE text = 'secret'") == [(1,)]
    assert rows(server, "SELECT DISTINCT withheld FROM kwips_kwip WHERE text LIKE 'off %'") == [(1,)]
    assert rows(server, "SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [(0,)]


def test_migrations_that_are_interrupted_are_run_again(earlier: Path, server: Postgres) -> None:
    """An interrupted build leaves an invalid index, which is then rebuilt."""
    manage(earlier, server, "migrate", "--verbosity=0")
    manage(settings.BASE_DIR, server, "migrate", "kwips", "0007", "--verbosity=0")
    connection = psycopg2.connect(host=str(server.sockets), dbname="kwippy", user="postgres")
    connection.autocommit = True
    with connection.cursor() as cursor:
        for name in ("kwip_everyone_by_id", "kwip_person_by_id"):
            cursor.execute(f"CREATE INDEX {name} ON kwips_kwip (id DESC)")
            cursor.execute(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{name}'::regclass")
    connection.close()
    manage(settings.BASE_DIR, server, "migrate", "--verbosity=0")
    assert rows(server, "SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [(0,)]
    [(definition,)] = rows(server, "SELECT pg_get_indexdef('kwip_person_by_id'::regclass)")
    assert "INCLUDE (audience_id, visibility, withheld)" in str(definition)
    # And the tables backward.
    manage(settings.BASE_DIR, server, "migrate", "kwips", "0003", "--verbosity=0")
    [(definition,)] = rows(server, "SELECT pg_get_indexdef('kwip_person'::regclass)")
    assert "INCLUDE (audience_id)" in str(definition)
