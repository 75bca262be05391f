"""The checks of machine and services: each wrong state is caused."""

import datetime
import http.server
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone

from apps.accounts.models import SignUp, User
from apps.cachewatch.models import Watched
from apps.commandqueue.models import Command, QueueControl, Schedule
from apps.commandqueue.models import State as CommandState
from kwippy.doctor import checkup, daily, machine, notes, scraped, services, today
from kwippy.doctor.report import Check, Finding, State, examine, ok, wrong

pytestmark = pytest.mark.django_db(transaction=True)
DAY = 86_400


@pytest.fixture(autouse=True)
def operations(settings: Any, tmp_path: Path) -> Path:
    settings.OPERATIONS_ROOT = str(tmp_path)
    return tmp_path


def one(look: Callable[[], Iterator[Finding]], name: str = "") -> Finding:
    found = [finding for finding in look() if finding.name == (name or finding.name)]
    worst = [finding for finding in found if finding.state is not State.OK]
    assert len(worst or found[:1]) == 1, found
    return (worst or found)[0]


# ── Bounds of every check ────────────────────────────────────────────────────────────────────────


def test_a_check_that_raises_or_hangs_is_a_finding_and_the_others_go_on() -> None:
    going = threading.Event()

    def broken() -> Iterator[Finding]:
        raise OperationalError("the server\nis gone \x1b[2J")

    def frozen() -> Iterator[Finding]:
        yield ok("frozen", "begins")
        going.wait(30)

    checks = [Check("broken", broken), Check("frozen", frozen), Check("last", lambda: [ok("last", "well")])]
    found = list(examine(checks, seconds=0.3))
    going.set()
    states = [finding.state for finding in found]
    assert states == [State.WRONG, State.OK, State.WRONG, State.OK]
    assert "OperationalError: the server is gone [2J" in str(found[0])
    assert "no answer within 0.3 s" in found[2].text
    assert all("\n" not in str(finding) for finding in found)


def test_only_some_checks_may_stop_an_upgrade() -> None:
    found = list(examine([Check("mail", lambda: [wrong("mail", "down", "mend", blocks=True)])]))
    assert [finding.blocks for finding in found] == [False]
    assert {check.name for check in checkup.BEFORE_UPGRADE} == {"settings", "postgresql", "disk", "clock"}


# ── The machine ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("total", "free", "state", "blocks"),
    [
        (100e9, 60e9, State.OK, False),
        (100e9, 8e9, State.WARN, False),
        (100e9, 3e9, State.WARN, False),
        (100e9, 0.3e9, State.WRONG, True),
    ],
)
def test_a_disk_is_judged_by_the_size_of_the_database(
    total: float, free: float, state: State, blocks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil._ntuple_diskusage(int(total), int(total - free), int(free))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    monkeypatch.setattr(machine, "database_size", lambda: 4_000_000_000)
    if free == 0.3e9:
        monkeypatch.setattr(machine, "database_size", lambda: 1_000)
    found = one(machine.disk)
    assert (found.state, found.blocks, bool(found.mend)) == (state, blocks, state is not State.OK)


def test_clocks_that_differ_or_are_before_the_release(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "is_synchronized", lambda: True)
    assert one(machine.clock).state is State.OK
    now = time.time()
    monkeypatch.setattr(machine.time, "time", lambda: now + 60)
    found = one(machine.clock)
    assert (found.state, "apart" in found.text) == (State.WRONG, True)
    monkeypatch.setattr(machine.time, "time", lambda: 1_000_000_000)
    assert "before this release" in one(machine.clock).text


def test_a_clock_that_no_service_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.is_synchronized() in (True, False)
    monkeypatch.setattr(machine, "is_synchronized", lambda: False)
    assert one(machine.clock).state is State.WARN


def make_certificate(file: Path, *, host: str = "localhost", days: int = 60) -> None:
    names = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", str(file.with_suffix(".key")), "-out", str(file)]
    command = ["openssl", "req", *kind, *names, *files, "-days", str(days)]
    subprocess.run(command, capture_output=True, check=True)


@pytest.mark.parametrize(
    ("made", "state", "said"),
    [
        ({}, State.WARN, "self-signed"),
        ({"days": 5}, State.WARN, "ends in 5 days"),
        ({"host": "other.example"}, State.WRONG, "is not for localhost"),
    ],
)
def test_a_certificate_that_ends_or_is_of_another_name(
    made: dict[str, Any], state: State, said: str, tmp_path: Path, settings: Any
) -> None:
    settings.SITE_URL = "https://localhost"
    settings.CERTIFICATE_FILE = str(tmp_path / "chain.pem")
    make_certificate(tmp_path / "chain.pem", **made)
    found = one(machine.certificate)
    assert (found.state, said in found.text) == (state, True), found
    noted = notes.read(notes.CERTIFICATE)
    assert noted is not None


def test_a_certificate_that_has_ended(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SITE_URL = "https://localhost"
    settings.CERTIFICATE_FILE = str(tmp_path / "chain.pem")
    make_certificate(tmp_path / "chain.pem", days=1)
    later = time.time() + 4 * DAY
    monkeypatch.setattr(machine.time, "time", lambda: later)
    found = one(machine.certificate)
    assert (found.state, "ended 3 days ago" in found.text) == (State.WRONG, True)


def test_a_certificate_that_is_none_or_not_there(tmp_path: Path, settings: Any) -> None:
    settings.CERTIFICATE_FILE = str(tmp_path / "chain.pem")
    assert one(machine.certificate).state is State.NOT_CHECKED
    (tmp_path / "chain.pem").write_text("nothing of the kind")
    assert one(machine.certificate).state is State.WRONG


@pytest.mark.parametrize(
    ("written", "state"),
    [(None, State.WARN), ("nonsense", State.WARN), ("", State.WARN), ("\x00" * 5000, State.WARN)],
)
def test_a_backup_that_is_not_noted(written: str | None, state: State, operations: Path) -> None:
    if written is not None:
        (operations / "backup").write_text(written)
    assert one(machine.backups, "backup").state is state


@pytest.mark.parametrize(("days", "state"), [(1, State.OK), (3, State.WRONG)])
def test_a_backup_that_is_old(days: int, state: State, operations: Path) -> None:
    (operations / "backup").write_text(f"{time.time() - days * DAY:.0f} /srv/backups/x")
    assert one(machine.backups, "backup").state is state


@pytest.mark.parametrize(("days", "state"), [(None, State.WARN), (20, State.OK), (70, State.WARN)])
def test_a_backup_that_nobody_has_restored_is_not_trusted(days: float | None, state: State) -> None:
    if days is not None:
        notes.write(notes.RESTORED, notes.Note(time.time() - days * DAY, "kept, to check it"))
    assert one(machine.backups, "restored").state is state


# ── Services ─────────────────────────────────────────────────────────────────────────────────────


def test_settings_that_the_site_would_refuse_stop_an_upgrade(settings: Any) -> None:
    settings.CONTACT_EMAIL = "not an address"
    found = [finding for finding in services.configuration() if finding.blocks]
    assert any("kwippy.E008" in finding.text for finding in found)


def test_a_postgresql_that_takes_no_writes_stops_an_upgrade() -> None:
    assert one(services.database, "postgresql").state is State.OK
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    try:
        found = one(services.database)
    finally:
        connection.close()
    assert (found.state, found.blocks) == (State.WRONG, True)


def test_a_stale_entry_is_spoken_of_for_a_day() -> None:
    assert one(services.caches).state is State.NOT_CHECKED
    Watched.objects.create(kind="page", looked_at=8)
    Watched.objects.create(kind="user", looked_at=50, stale=2, last_stale_at=timezone.now())
    found = one(services.caches)
    assert (found.state, "cached user was stale" in found.text) == (State.WARN, True)
    Watched.objects.update(last_stale_at=timezone.now() - datetime.timedelta(days=2))
    found = one(services.caches)
    assert (found.state, "58 entries compared" in found.text) == (State.OK, True)


def test_a_memcached_that_does_not_answer(settings: Any) -> None:
    assert one(services.memcached).state in (State.OK, State.NOT_CHECKED)
    settings.MEMCACHED_SERVERS = ["127.0.0.1:1"]
    backend = {"BACKEND": "apps.lookaside.backends.MemcachedLookaside", "LOCATION": ["127.0.0.1:1"]}
    settings.CACHES = settings.CACHES | {"lookaside": backend}
    assert one(services.memcached).state is State.WRONG


@pytest.fixture
def queued(settings: Any) -> None:
    settings.MAILERS = {
        "default": {
            "BACKEND": "apps.commandqueue.mail.backend.QueueEmailBackend",
            "OPTIONS": {"mailer": "direct"},
        },
        "direct": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"},
    }
    EmailMessage("tea", "tea", "a@example.org", ["b@example.org"]).send(using="default")


def test_a_queue_that_an_operator_has_paused_is_not_called_late(queued: None) -> None:
    yesterday = timezone.now() - datetime.timedelta(days=1)
    Command.objects.update(queue_name="bulk", due_at=yesterday, created_at=yesterday)
    QueueControl.objects.create(queue_name="bulk", paused=True)
    found = one(services.queue)
    assert (found.state, found.text) == (State.WARN, "an operator has paused bulk: 1 wait")
    assert any("bulk is paused" in line for line in today.of_mail())


def asked_for_a_link(number: int, *, ago: datetime.timedelta) -> None:
    SignUp.objects.bulk_create(
        SignUp(username=f"eve{n}", email=f"eve{n}@example.org", password="", asked_at=timezone.now() - ago)
        for n in range(number)
    )


def test_far_more_sign_ups_than_usual_are_a_warning_that_says_what_to_do() -> None:
    assert one(services.sign_ups).state is State.OK
    asked_for_a_link(21, ago=datetime.timedelta(minutes=5))
    found = one(services.sign_ups)
    assert found.state is State.WARN
    assert "21 in the last hour, usually 0.0" in found.text
    assert "manage.py underattack" in found.mend
    call_command("underattack", "2")
    found = one(services.sign_ups)
    assert found.state is State.OK
    assert "under attack until" in found.text
    shown = StringIO()
    call_command("sitestatus", stdout=shown)
    assert "21 in the last hour" in shown.getvalue()


def test_as_many_sign_ups_as_every_hour_are_none() -> None:
    SignUp.objects.bulk_create(
        SignUp(
            username=f"eve{n}",
            email=f"eve{n}@example.org",
            password="",
            asked_at=timezone.now() - datetime.timedelta(minutes=10 * n),
        )
        for n in range(6 * 71)
    )
    SignUp.objects.filter(asked_at__gt=timezone.now() - datetime.timedelta(hours=4)).update(
        asked_at=timezone.now() - datetime.timedelta(minutes=1)
    )
    found = one(services.sign_ups)
    assert (found.state, found.text[:2]) == (State.OK, "24")


@pytest.mark.parametrize(
    ("changed", "state", "said"),
    [
        ({}, State.OK, "1 wait"),
        ({"minutes": 10, "queue_name": "now"}, State.WRONG, "no worker has started it"),
        (
            {"minutes": 10, "queue_name": "now", "errors": [{"reason": "421 not now, bob@example.org"}]},
            State.WRONG,
            "421 not now, …@example.org",
        ),
        ({"state": CommandState.DEAD, "finished_at": True}, State.WARN, "1 dead letters"),
    ],
    ids=["well", "no worker", "refused", "dead"],
)
def test_a_queue_that_is_late_says_why(
    queued: None, changed: dict[str, Any], state: State, said: str
) -> None:
    changed = dict(changed)
    if minutes := changed.pop("minutes", 0):
        at = timezone.now() - datetime.timedelta(minutes=minutes)
        changed |= {"created_at": at, "due_at": at}
    if "finished_at" in changed:
        changed["finished_at"] = timezone.now()
    if changed:
        Command.objects.update(**changed)
    found = one(services.queue)
    assert (found.state, said in found.text) == (state, True), found


@pytest.mark.parametrize(("asks", "queue"), [(True, "now"), (True, "bulk"), (False, "now")])
def test_codes_that_wait_are_told_where_people_need_them(
    queued: None, settings: Any, asks: bool, queue: str
) -> None:
    settings.CODE_FOR_UNKNOWN_BROWSERS = asks
    yesterday = timezone.now() - datetime.timedelta(days=1)
    Command.objects.update(queue_name=queue, due_at=yesterday, created_at=yesterday)
    found = one(services.queue)
    assert found.state is State.WRONG
    assert ("manage.py resetlink" in found.mend) is (asks and queue == "now")


def test_a_recurring_task_that_nobody_starts_means_that_no_worker_runs() -> None:
    late = timezone.now() - datetime.timedelta(hours=1)
    every = datetime.timedelta(minutes=5)
    Schedule.objects.create(name="tea", backend="default", task="x", every=every, next_at=late)
    found = one(services.queue)
    assert (found.state, found.name) == (State.WRONG, "worker")


# ── Counters ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def process(settings: Any) -> Iterator[list[bytes]]:
    """A process whose /metrics is what the list holds."""
    said = [b""]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(said[0])

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.METRICS_URLS = [f"http://127.0.0.1:{server.server_port}/metrics"]
    yield said
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("text", "state", "name"),
    [
        ("", State.NOT_CHECKED, "metrics"),
        ("kwippy_pool_timeouts_total 0\n", State.OK, "metrics"),
        ("kwippy_pool_timeouts_total 3\n", State.WARN, "metrics"),
        ('kwippy_lookaside_total{result="failure"} 900\n', State.WARN, "metrics"),
        ('commandqueue_mail_failures_in_a_row{backend="direct"} 9\n', State.WRONG, "mail"),
        ("<html>nothing of the kind", State.WRONG, "metrics"),
        ("x" * 100, State.WRONG, "metrics"),
    ],
)
def test_counters_that_have_grown_are_told(process: list[bytes], text: str, state: State, name: str) -> None:
    process[0] = text.encode()
    found = one(scraped.counters)
    assert (found.state, found.name) == (state, name), found


def test_a_process_that_does_not_answer_is_named(settings: Any) -> None:
    settings.METRICS_URLS = ["http://127.0.0.1:1/metrics", "file:///etc/passwd"]
    found = list(scraped.counters())
    assert [finding.state for finding in found] == [State.WRONG] * 2
    settings.METRICS_URLS = []
    assert one(scraped.counters).state is State.NOT_CHECKED


# ── The commands ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def findings(monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """What the checks find."""
    found: list[Finding] = []
    check = Check("tea", lambda: found, before_upgrade=True)
    monkeypatch.setattr(checkup, "CHECKS", (check,))
    monkeypatch.setattr(checkup, "BEFORE_UPGRADE", (check,))
    return found


def doctor(*arguments: str) -> str:
    out = StringIO()
    call_command("doctor", *arguments, stdout=out)
    return out.getvalue()


def test_the_exit_status_says_whether_anything_is_wrong(findings: list[Finding]) -> None:
    findings[:] = [ok("tea", "hot"), Finding(State.WARN, "milk", "old", "buy some")]
    assert doctor().splitlines() == ["ok           tea: hot", "warn         milk: old. -> buy some"]
    findings.append(wrong("kettle", "cold", "switch it on"))
    with pytest.raises(CommandError, match="1 WRONG"):
        doctor()
    # It stops no upgrade.
    doctor("--before-upgrade")
    findings.append(wrong("disk", "full", "make room", blocks=True))
    with pytest.raises(CommandError, match="must not begin"):
        doctor("--before-upgrade")


def test_the_whole_doctor_sees_a_site_without_most_of_its_services(settings: Any) -> None:
    settings.MAIL_DIR = "/tmp/mail"
    out = StringIO()
    try:
        call_command("doctor", stdout=out)
    except CommandError:
        pass  # the machine of the test may have its faults
    names = {line[13:].split(":")[0] for line in out.getvalue().splitlines()}
    assert {"postgresql", "disk", "clock", "queue", "certificate", "backup", "restored", "dns"} <= names


@pytest.mark.parametrize("address", ["nobody", "a@b c", "a@b\r\nRCPT TO:<c@d>"])
def test_what_is_no_address_is_not_sent_to_a_server(address: str) -> None:
    with pytest.raises(CommandError, match="not an address"):
        doctor("--mail", address)


def test_lines_of_the_script_are_findings_too(
    findings: list[Finding], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "WRONG\tcontainers\tweb does not run\tdocker-compose up -d\nnonsense\n\nOK\tsite\tanswers\t\n"
    monkeypatch.setattr("sys.stdin", StringIO(lines))
    out = StringIO()
    with pytest.raises(CommandError, match="1 WRONG"):
        call_command("doctor", "--also", stdout=out)
    assert len(out.getvalue().splitlines()) == 2
    assert "web does not run. -> docker-compose up -d" in out.getvalue()


def test_one_mail_a_day_tells_the_operators_what_is_wrong(
    findings: list[Finding], settings: Any, operations: Path
) -> None:
    settings.ADMINS = ["ops@example.org"]
    settings.MAILERS = {
        "default": {
            "BACKEND": "apps.commandqueue.mail.backend.QueueEmailBackend",
            "OPTIONS": {"mailer": "direct"},
        },
        "direct": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"},
    }
    mail.outbox = []
    findings[:] = [ok("tea", "hot")]
    assert doctor("--daily") == ""
    assert mail.outbox == []
    findings.append(wrong("kettle", "cold", "switch it on"))
    for _ in range(3):
        assert doctor("--daily") == ""
    [message] = mail.outbox
    assert message.to == ["ops@example.org"]
    assert "kettle" in message.subject
    assert "switch it on" in message.body
    # Past the queue.
    assert not Command.objects.exists()
    notes.write(notes.MAILED, notes.Note(time.time() - DAY))
    doctor("--daily")
    assert len(mail.outbox) == 2
    # A clock that was ahead.
    notes.write(notes.MAILED, notes.Note(time.time() + 5 * DAY))
    doctor("--daily")
    assert len(mail.outbox) == 3


def test_a_mail_that_fails_is_tried_again_and_cron_hears_of_it(
    findings: list[Finding], settings: Any
) -> None:
    settings.ADMINS, settings.CONTACT_EMAIL = [], "ops@example.org"
    options = {"host": "127.0.0.1", "port": 1, "timeout": 2}
    smtp = {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}
    settings.MAILERS = {"default": smtp, "direct": smtp}
    findings[:] = [wrong("kettle", "cold", "switch it on")]
    for _ in range(2):
        with pytest.raises(CommandError, match="was not sent"):
            call_command("doctor", "--daily", stderr=StringIO())
    settings.CONTACT_EMAIL = ""
    with pytest.raises(CommandError, match="no one to mail"):
        doctor("--daily")
    assert daily.operators() == []


def test_a_note_that_can_not_be_kept_means_no_mail_at_each_run(
    findings: list[Finding], settings: Any, operations: Path
) -> None:
    settings.ADMINS = ["ops@example.org"]
    settings.OPERATIONS_ROOT = str(operations / "not there")
    mail.outbox = []
    findings[:] = [wrong("kettle", "cold", "switch it on")]
    with pytest.raises(CommandError):
        call_command("doctor", "--daily", stderr=StringIO())
    assert mail.outbox == []


def test_the_status_counts_the_log_of_today_whatever_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = '{{"timestamp":"2026-11-27T01:02:03+00:00","method":"{}","path":"{}","status":{}}}'
    lines = [
        entry.format("GET", "/", 200),
        entry.format("POST", "/accounts/login/", 200),
        entry.format("POST", "/accounts/login/", 302),
        entry.format("POST", "/kwip/", 429),
        entry.format("GET", "/ann/", 502),
        "not json",
        "[]",
        '{"status":"x"}',
    ]
    lines += [entry.format("GET", f"/{number}/", 429) for number in range(1000)]
    seen = today.traffic(lines)
    assert (seen.requests, seen.failures, seen.failed_sign_ins, seen.limited.total()) == (1005, 1, 1, 1001)
    assert len(seen.limited) == today.MOST_KINDS + 1
    monkeypatch.setattr("sys.stdin", StringIO("\n".join(lines)))
    User.objects.create_user("ann", "ann@example.org")
    out = StringIO()
    call_command("sitestatus", "--log", stdout=out)
    told = out.getvalue()
    assert "1 today" in told
    assert "1 failed sign-ins, 1,001 requests met a limit" in told
    assert "no backup is noted here  <- warn: deploy/backup" in told


def test_what_visitors_and_servers_say_cannot_command_the_terminal(
    queued: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # nginx writes control characters as \u001b, and other bytes as they came.
    paths = [rb"/\u001b[2Jcleared/", b"/\xff\xc2\x9b2J/", rb"/\ud800/"]
    entry = b'{"timestamp":"2026-11-27\\u001b[2J","method":"GET","path":"%s","status":429}\n'
    log = BytesIO(b"".join(entry % path for path in paths))
    monkeypatch.setattr("sys.stdin", TextIOWrapper(log, encoding="utf-8"))
    loud = Check("loud", lambda: [wrong("loud", "one\x1b[2J\ntwo", "mend\x1b[2J")])
    monkeypatch.setattr(checkup, "STATUS", (loud,))
    monkeypatch.setattr(today, "reason", lambda: "550 \x1b[2J no")
    Command.objects.update(attempted_at=timezone.now())
    told = StringIO()
    call_command("sitestatus", "--log", stdout=told)
    assert "3 requests met a limit" in told.getvalue()
    assert "1 stuck" in told.getvalue()
    assert "cleared" in told.getvalue()
    assert all(line.isprintable() for line in told.getvalue().splitlines())


def test_a_status_without_postgresql_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def down() -> Iterator[str]:
        raise OperationalError("the server is gone")
        yield ""

    down.__name__ = "of_mail"
    monkeypatch.setattr(today, "of_mail", down)
    out = StringIO()
    call_command("sitestatus", stdout=out)
    assert "PostgreSQL does not answer: the server is gone" in out.getvalue()


# ── A reset link ─────────────────────────────────────────────────────────────────────────────────


def test_a_reset_link_lets_a_person_choose_a_password_once(settings: Any) -> None:
    person = User.objects.create_user("ann", "ann@example.org", "an old password")
    out = StringIO()
    call_command("resetlink", "@Ann", stdout=out, stderr=StringIO())
    link = out.getvalue().strip()
    assert link.startswith(f"{settings.SITE_URL}/accounts/password/reset/key/")
    from django.test import Client

    visitor = Client()
    answer = visitor.get(link.removeprefix(settings.SITE_URL), follow=True)
    assert answer.status_code == 200
    where = answer.redirect_chain[-1][0]
    words = "seven quiet kettles"
    visitor.post(where, {"password1": words, "password2": words})
    person.refresh_from_db()
    assert person.check_password(words)
    again = Client().get(link.removeprefix(settings.SITE_URL), follow=True)
    assert "password1" not in again.content.decode()


def test_no_link_for_nobody_and_for_who_may_not_sign_in() -> None:
    User.objects.create_user("ann", "ann@example.org", is_active=False)
    for name in ("bob", "ann"):
        with pytest.raises(CommandError):
            call_command("resetlink", name)
