"""Statements fail, wait, deadlock, are cancelled and killed: no log contains their values."""

import io
import logging
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.contrib.sessions.models import Session
from django.core.mail import EmailMessage
from django.db import DatabaseError, OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path

from apps.accounts.models import User
from apps.accounts.sessions import SessionStore
from apps.feeds import queries as feeds
from apps.graph.models import Follow
from apps.kwips import actions
from apps.messages import actions as messages
from apps.securitylog.models import Entry
from deploy.local.postgres import SUPERUSER, Postgres
from kwippy.observability import metrics
from kwippy.observability.logs import logging_config
from kwippy.wiring import mail_errors_to_admins

pytestmark = pytest.mark.django_db(transaction=True)

CANARY = "canary"


class Operator:
    """PostgreSQL's superuser, and the server's log."""

    def __init__(self, server: Postgres) -> None:
        self.server = server
        self.connection = self.connect()

    def connect(self) -> Any:
        opened = psycopg2.connect(host=str(self.server.sockets), user=SUPERUSER, dbname="kwippy")
        opened.autocommit = True
        return opened

    def can_connect(self) -> bool:
        try:
            self.connect().close()
        except psycopg2.OperationalError:
            return False
        return True

    def run(self, sql: str, *parameters: object) -> list[Any]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []

    def waiting(self) -> list[int]:
        """The processes that wait for a lock."""
        return [row[0] for row in self.run("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'")]

    def waits(self) -> int:
        """The number of lock waits in the log."""
        return self.log().count("still waiting for")

    def log(self) -> str:
        return self.server.log.read_text(errors="replace")


@pytest.fixture
def operator(transactional_db: None, server: Postgres) -> Iterator[Operator]:
    """Runs the site's code on a PostgreSQL configured as by `make run`; yields its operator."""
    operator = Operator(server)
    # PostgreSQL logs a lock wait after `deadlock_timeout`.
    operator.run("ALTER DATABASE kwippy SET deadlock_timeout = '20ms'")
    settings = connection.settings_dict
    before = settings["HOST"], settings["NAME"]
    connection.close()
    settings["HOST"], settings["NAME"] = str(server.sockets), "kwippy"
    yield operator
    operator.connection.close()
    connection.close()
    settings["HOST"], settings["NAME"] = before


@pytest.fixture
def ann(operator: Operator) -> User:
    return sign_up_as("ann")


def sign_up_as(name: str) -> User:
    name += uuid.uuid4().hex[:8]
    return User.objects.create_user(name, f"{name}@example.org", "a long password")


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def save_session(ann: User) -> None:
    session = SessionStore()
    session._session_key = f"{CANARY}sessionkey{uuid.uuid4().hex[:8]}"
    session.save(must_create=True)


def set_hash(ann: User) -> None:
    User.objects.filter(pk=ann.pk).update(password=f"argon2${CANARY}", bio=f"{CANARY} bio")


def sign_up(ann: User) -> None:
    sign_up_as(CANARY)


def send(ann: User) -> None:
    EmailMessage(f"{CANARY} subject", f"{CANARY} body", "x@example.org", [f"{CANARY}@example.org"]).send()


def write_to_follower(ann: User) -> None:
    fan = sign_up_as("fan")
    Follow.objects.create(follower=fan, followee=ann)
    messages.send(sender=ann, recipient=fan, text=f"{CANARY} message", form_key=uuid.uuid4())


# Each use of private text, and the table that it needs.
USES: dict[str, tuple[str, Callable[[User], object]]] = {
    "text": (
        "kwips_kwip",
        lambda ann: actions.publish(author=ann, text=f"{CANARY} text", form_key=uuid.uuid4()),
    ),
    "message, prepared": ("private_messages_message", lambda ann: write_to_follower(ann)),
    "tag, prepared": ("kwips_kwiptag", lambda ann: feeds.tag(viewer_id=ann.pk, name=CANARY).page({})),
    "session": ("django_session", save_session),
    "no session": ("django_session", lambda ann: Session.objects.filter(session_key=f"{CANARY}key").first()),
    "hash": ("accounts_user", set_hash),
    "address": ("accounts_user", sign_up),
    "mail, prepared": ("commandqueue_command", send),
}


def time_out(operator: Operator, pid: int) -> None:
    """Nothing: the time for a lock ends by itself."""


def cancel(operator: Operator, pid: int) -> None:
    operator.run("SELECT pg_cancel_backend(%s)", pid)


def terminate(operator: Operator, pid: int) -> None:
    operator.run("SELECT pg_terminate_backend(%s)", pid)


def crash(operator: Operator, pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def fail_while_waiting(
    operator: Operator, table: str, use: Callable[[], object], end: Callable[[Operator, int], None]
) -> None:
    """The use waits for a lock for longer than the slow-statement limit, then fails."""
    failures: list[DatabaseError] = []
    waits = operator.waits()

    def run() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '600ms'" if end is time_out else "SET lock_timeout = 0")
            use()
        except DatabaseError as error:
            failures.append(error)
        finally:
            connection.close()

    holder = operator.connect()
    thread = threading.Thread(target=run)
    with holder.cursor() as cursor:
        cursor.execute(f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        thread.start()
        if end is not time_out:
            [pid] = until(operator.waiting)
            until(lambda: operator.waits() > waits)
            end(operator, pid)
        thread.join(60)
    holder.close()
    assert not thread.is_alive()
    assert isinstance(failures[0], OperationalError)
    assert operator.waits() > waits


@pytest.mark.parametrize("end", [time_out, cancel, terminate])
def test_what_waits_too_long_or_is_cancelled(
    operator: Operator, ann: User, settings: Any, end: Callable[[Operator, int], None]
) -> None:
    queue(settings)
    for name, (table, use) in USES.items():
        use(ann)
        connection.close()
        fail_while_waiting(operator, table, partial(use, ann), end)
        assert CANARY not in operator.log(), name


def test_what_a_process_did_when_it_was_killed(operator: Operator, ann: User) -> None:
    table, use = USES["text"]
    fail_while_waiting(operator, table, partial(use, ann), crash)
    assert "was terminated by signal 9" in operator.log()
    until(operator.can_connect)
    assert CANARY not in operator.log()


def test_a_statement_that_is_slow(operator: Operator, ann: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s, pg_sleep(0.6)", [CANARY])
    assert CANARY not in operator.log()


def test_a_deadlock(operator: Operator, ann: User) -> None:
    bob = sign_up_as("bob")
    first = threading.Barrier(2)
    failures: list[DatabaseError] = []

    def write(order: list[User]) -> None:
        try:
            with transaction.atomic():
                set_hash(order[0])
                first.wait(60)
                set_hash(order[1])
        except DatabaseError as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=[order]) for order in ([ann, bob], [bob, ann])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    [failure] = failures
    assert "deadlock detected" in str(failure)
    assert CANARY not in operator.log()


def raw(sql: str, *parameters: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def twice() -> None:
    for _ in range(2):
        User.objects.create(username=f"{CANARY}twice", email=f"{CANARY}@example.org")


def nameless() -> None:
    person = User(username=f"{CANARY}n", bio=f"{CANARY} bio", password=f"{CANARY}hash")
    person.display_name = None  # type: ignore[assignment]
    person.save()


# By kind: constraints, whose DETAIL has the key or the row; invalid values, which are quoted.
FAILURES: dict[str, Callable[[], object]] = {
    "unique": twice,
    "check": lambda: User.objects.create(username=f"{CANARY} shape", password=f"{CANARY}hash"),
    "not null": nameless,
    "too long": lambda: User.objects.create(username=CANARY * 100),
    "no number": lambda: raw("SELECT %s::bigint", f"{CANARY} \"'\n{CANARY}"),
    "no json": lambda: raw("SELECT %s::jsonb", f'{{"{CANARY}'),
    "no time": lambda: raw("SELECT %s::timestamptz", CANARY),
    "no pattern": lambda: raw("SELECT 'x' ~ %s", f"({CANARY}"),
    "no query": lambda: raw("SELECT to_tsquery(%s)", f"{CANARY} & & "),
    "no SQL": lambda: raw(f"SELECT 1 {CANARY}2 {CANARY}3"),
}


def test_a_statement_that_fails(operator: Operator) -> None:
    for name, fail in FAILURES.items():
        with pytest.raises(DatabaseError) as failure:
            fail()
        assert CANARY not in operator.log(), name
        for told in (str(failure.value), str(failure.value.__cause__)):
            assert "SQLSTATE" in told, name
            assert CANARY not in told, name


# ── The site's own logs, mail to ADMINS, figures ─────────────────────────────────────────────────


def fails(request: HttpRequest, name: str) -> HttpResponse:
    FAILURES[name]()
    raise AssertionError


urlpatterns = [path("fails/<str:name>/", fails)]
handler500 = "kwippy.errors.server_error"


@pytest.fixture(params=["json", "console"])
def logged(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """The site's log, in one of its formats."""
    root = logging.getLogger()
    before = list(root.handlers)
    logging_config(format=request.param, level="DEBUG")
    written = io.StringIO()
    root.handlers[0].setStream(written)  # type: ignore[attr-defined]
    yield written
    logging_config(format="json", level=os.environ["LOG_LEVEL"])
    root.handlers = before


@pytest.fixture
def mailed(settings: Any, tmp_path: Path) -> Iterator[Path]:
    settings.ADMINS = ["ops@example.org"]
    settings.MAILERS = {"default": {}, "direct": {}} | {
        "direct": {"BACKEND": "kwippy.eml_backend.EmlFileBackend", "OPTIONS": {"directory": tmp_path}},
        "default": {
            "BACKEND": "apps.commandqueue.mail.backend.QueueEmailBackend",
            "OPTIONS": {"mailer": "direct"},
        },
    }
    logger = logging.getLogger("django.request")
    before = list(logger.handlers)
    mail_errors_to_admins()
    yield tmp_path
    logger.handlers = before


@pytest.mark.asvs("16.2.5", "16.2.3", "14.2.4")
@override_settings(ROOT_URLCONF=__name__, SLOW_STATEMENT_MS=0)
def test_the_site_s_own_log_mail_and_figures(
    logged: io.StringIO, mailed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kwippy.observability.error_mail.PAUSE", 0.0)  # each is mailed, also of one kind
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = f"{CANARY}session"
    form = {"text": f"{CANARY} text", "email": f"{CANARY}@example.org"}
    for name in FAILURES:
        if name != "no SQL":  # where it is not a value
            assert client.post(f"/fails/{name}/?q={CANARY}", form).status_code == 500
    mails = [mail.read_text() for mail in mailed.glob("*.eml")]
    assert len(mails) == len(FAILURES) - 1
    assert "slow statement" in logged.getvalue()
    for told in (logged.getvalue(), *mails, metrics.exposition().decode()):
        # But in the lines of this file that a traceback has.
        assert not [line for line in told.splitlines() if CANARY in line and "{CANARY}" not in line]


@pytest.mark.asvs("16.3.2", "16.2.5")
@override_settings(SLOW_STATEMENT_MS=0)
def test_what_was_refused_is_logged_without_what_was_sent(logged: io.StringIO) -> None:
    connection.close()
    browsers = [Client(), Client(enforce_csrf_checks=True)]
    for browser in browsers:
        browser.force_login(sign_up_as("ann"))
        form = {"text": f"{CANARY} text", "bio": f"{CANARY} bio"}
        answer = browser.post(f"/kwip/1/of-the-day/?q={CANARY}", form, headers={"user-agent": CANARY})
        assert answer.status_code == 403
    assert logged.getvalue().count("of_the_day") >= 2, "both are told by the name of the address"
    assert "record.sql" in logged.getvalue(), "statements are told, too"
    assert CANARY not in logged.getvalue()
    text = str(list(Entry.objects.values()))
    assert "of_the_day" in text
    assert CANARY not in text


def test_many_messages_at_once_are_logged_without_their_values(settings: Any, logged: io.StringIO) -> None:
    settings.SLOW_STATEMENT_MS = 0
    queue(settings)
    connection.close()
    from django.core.mail import mailers

    message = EmailMessage(f"{CANARY} subject", f"{CANARY} body", "x@example.org", [f"{CANARY}@example.org"])
    mailers["default"].send_messages([message, message])
    assert "INSERT INTO commandqueue_command" in logged.getvalue()
    assert CANARY not in logged.getvalue()


def test_slow_statements_are_logged_and_others_not(settings: Any, logged: io.StringIO) -> None:
    settings.SLOW_STATEMENT_MS = 60_000
    connection.close()
    raw("SELECT %s || 'quick'", CANARY)
    assert "quick" not in logged.getvalue()
    settings.SLOW_STATEMENT_MS = 0
    raw("SELECT %s || 'slow'", CANARY)
    assert "SELECT %s || 'slow'" in logged.getvalue()
    assert CANARY not in logged.getvalue()


def test_a_statement_is_observed_also_on_a_connection_opened_within_another_wrapper(
    settings: Any, logged: io.StringIO
) -> None:
    settings.SLOW_STATEMENT_MS = 0
    seen: list[str] = []

    def other(execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        seen.append(sql)
        return execute(sql, *more)

    connection.close()
    connection.execute_wrappers.clear()
    with connection.execute_wrapper(other):
        raw("SELECT 'within'")
    raw("SELECT 'after'")
    assert seen == ["SELECT 'within'"]
    assert logged.getvalue().count("slow statement") == 2


def queue(settings: Any) -> None:
    settings.MAILERS = {
        "default": {
            "BACKEND": "apps.commandqueue.mail.backend.QueueEmailBackend",
            "OPTIONS": {"mailer": "direct"},
        },
        "direct": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"},
    }
