"""What `record` writes, and that it writes a bounded number of rows."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from django.http import HttpRequest
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.securitylog import Event, allowance, record
from apps.securitylog.event import BY_THE_PERSON
from apps.securitylog.hashing import all_keyed, keyed
from apps.securitylog.models import Entry
from apps.securitylog.recording import DETAIL_LIMIT, MOST_DETAILS
from apps.securitylog.sweeping import sweep

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def request_from(address: str = "192.0.2.77", agent: str = FIREFOX) -> HttpRequest:
    return RequestFactory().post("/", headers={"user-agent": agent}, REMOTE_ADDR=address)


@pytest.fixture(autouse=True)
def as_in_a_new_process() -> None:
    allowance.refill()


def test_an_entry_says_who_where_and_when_and_no_address() -> None:
    record(Event.SIGN_IN_FAILED, request=request_from(), user_id=7, login="Ann@Example.org")
    row = Entry.objects.values().get()
    assert row["event"] == "sign_in_failed"
    assert (row["user_id"], row["by_id"], row["times"]) == (7, None, 1)
    assert (row["network"], row["browser"], row["system"]) == ("192.0.2.…", "firefox", "linux")
    assert row["login"] == keyed("ann@example.org") != keyed("bob@example.org")
    assert "192.0.2.77" not in str(row)
    assert "ann" not in str(row).lower()


def test_a_client_may_send_anything() -> None:
    record(Event.SIGNED_IN, request=request_from("2001:db8:1:2::3", "\x00" * 5_000), user_id=7)
    assert Entry.objects.get().network == "2001:db8:1:…"
    record(Event.SIGN_IN_FAILED, request=request_from("", ""), login="\x00\ud800" * 9_000)
    assert Entry.objects.filter(network="", browser="").count() == 1


def test_details_are_bounded() -> None:
    many: dict[str, Any] = {f"field{n}": "x\x00" * 9_000 for n in range(99)}
    record(Event.STAFF_ACT, **many)
    details = Entry.objects.get().details
    assert len(details) == MOST_DETAILS
    assert max(len(str(value)) for value in details.values()) <= DETAIL_LIMIT


def test_equal_events_of_a_minute_are_one_row_with_a_count(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_800_000_000.0
    monkeypatch.setattr("apps.securitylog.recording.time.time", lambda: now)
    for login in ["ann"] * 50 + ["bob"] * 3:
        record(Event.SIGN_IN_FAILED, request=request_from(), login=login)
    assert dict(Entry.objects.values_list("login", "times")) == {keyed("ann"): 50, keyed("bob"): 3}
    now += 60
    record(Event.SIGN_IN_FAILED, request=request_from(), login="ann")
    assert Entry.objects.filter(login=keyed("ann")).count() == 2


def test_what_staff_does_is_never_collapsed() -> None:
    for _ in range(3):
        record(Event.STAFF_ACT, request=request_from(), user_id=7, by=8)
    assert Entry.objects.filter(times=1).count() == 3


@pytest.mark.parametrize("kind", ["factor", "codes", "password", "address"])
def test_what_a_person_changes_again_and_again_is_one_row_a_minute(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.securitylog.recording.time.time", lambda: 1_800_000_000.0)
    events = [event for event in Event if event.value.startswith(kind) and "reset" not in event.value]
    assert events
    for event in events * 3:
        record(event, request=request_from(), user_id=7)
    assert dict(Entry.objects.values_list("event", "times")) == {event.value: 3 for event in events}
    assert Entry.objects.count() == len(events)


@pytest.mark.asvs("16.2.1")
@pytest.mark.parametrize("people", [0, 1, 1_000])
def test_a_flood_from_many_networks_adds_a_bounded_number_of_rows(
    monkeypatch: pytest.MonkeyPatch, people: int
) -> None:
    now = 1_800_000_000.0
    for module in ("recording", "allowance"):
        monkeypatch.setattr(f"apps.securitylog.{module}.time.time", lambda: now)
    tries = 300
    for n in range(tries):
        client, person = request_from(f"10.{n // 200}.{n % 200}.1"), 1 + n % people if people else None
        record(Event.SIGN_IN_FAILED, request=client, user_id=person, login=f"l{n}")
    assert Entry.objects.count() <= 2 * allowance.A_MINUTE + 1
    assert sum(Entry.objects.values_list("times", flat=True)) == tries
    beyond = Entry.objects.filter(details__beyond__isnull=False)
    assert set(beyond.values_list("network", "login")) == {("", "")}
    if people == 1:
        assert beyond.get().user_id == 1, "its owner sees how often"
    # What needs a password is recorded in any flood.
    record(Event.SIGNED_IN, request=request_from(), user_id=7)
    assert Entry.objects.filter(user_id=7, event=Event.SIGNED_IN, network="192.0.2.…").exists()


@pytest.mark.asvs("16.2.1")
@pytest.mark.parametrize("event", sorted(BY_THE_PERSON))
def test_who_is_refused_everywhere_adds_a_bounded_number_of_rows_and_leaves_room_for_others(
    event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They choose the address, the method, the browser and the network."""
    for module in ("recording", "allowance"):
        monkeypatch.setattr(f"apps.securitylog.{module}.time.time", lambda: 1_800_000_000.0)
    for n in range(200):
        client = request_from(f"10.{n}.0.1", FIREFOX if n % 2 else "curl/8.5")
        record(event, request=client, user_id=7, why="rights", address=f"page{n}", method="GET")
    mine = Entry.objects.filter(user_id=7)
    assert mine.count() == allowance.A_MINUTE // allowance.SHARE + 1
    beyond = mine.get(network="")
    assert (beyond.times, beyond.browser) == (allowance.MOST_TIMES, "")
    assert "address" not in beyond.details
    assert Entry.objects.count() == mine.count()
    record(event, request=request_from("198.51.100.1"), user_id=8, why="rights", address="page", method="GET")
    assert Entry.objects.get(user_id=8).details["address"] == "page"


def test_a_person_does_not_use_up_the_day_from_whatever_network(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_800_000_000 // 86_400 * 86_400
    monkeypatch.setattr("apps.securitylog.allowance.time.time", lambda: now)
    refused = allowance.in_full[Event.REFUSED]
    taken = 0
    for n in range(1_000):
        now += 60
        taken += refused.take(str(n), f"10.{n}.…", "person 7")
    assert taken == allowance.A_DAY // allowance.SHARE
    assert refused.take("another's", "10.1.…", "person 8")


def test_one_attacker_does_not_use_up_the_allowance() -> None:
    for _ in range(3 * allowance.A_MINUTE):
        record(Event.SIGN_IN_FAILED, request=request_from(), login="ann")
    record(Event.SIGN_IN_FAILED, request=request_from("198.51.100.1"), login="bob")
    assert Entry.objects.filter(login=keyed("bob"), network="198.51.100.…").exists()


def test_one_network_does_not_use_up_the_day_whatever_it_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_800_000_000 // 86_400 * 86_400
    monkeypatch.setattr("apps.securitylog.allowance.time.time", lambda: now)
    failures = allowance.in_full[Event.SIGN_IN_FAILED]
    for _ in range(1_000):
        now += 60
        for n in range(allowance.A_MINUTE):
            failures.take(str(n), "10.0.0.…")
    assert not failures.take("one more", "10.0.0.…")
    assert failures.take("another's", "198.51.100.…")


def test_a_flood_of_one_event_leaves_room_for_the_others() -> None:
    for n in range(allowance.A_MINUTE + 5):
        record(Event.LIMIT_MET, request=request_from(f"10.0.{n}.1"), user_id=n, limit="bad_token")
    record(Event.SIGN_IN_FAILED, request=request_from("198.51.100.1"), user_id=7, login="bob")
    assert Entry.objects.filter(login=keyed("bob"), network="198.51.100.…", user_id=7).exists()


def test_a_client_that_changes_its_name_meets_a_limit_in_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.securitylog.recording.time.time", lambda: 1_800_000_000.0)
    for agent in (FIREFOX, FIREFOX.replace("Linux", "Windows NT 10.0"), "curl/8.5", ""):
        record(Event.LIMIT_MET, request=request_from(agent=agent), limit="bad_token")
    row = Entry.objects.get()
    assert (row.times, row.network, row.browser, row.system) == (4, "192.0.2.…", "", "")


def test_refusals_without_end_write_so_often_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1_800_000_000.0
    for module in ("recording", "allowance"):
        monkeypatch.setattr(f"apps.securitylog.{module}.time.time", lambda: now)
    with CaptureQueriesContext(connection) as queries:
        for _ in range(3 * allowance.MOST_TIMES):
            record(Event.LIMIT_MET, request=request_from(), limit="bad_token")
    assert len(queries) == allowance.MOST_TIMES == Entry.objects.get().times
    record(Event.LIMIT_MET, request=request_from("198.51.100.1"), limit="bad_token")
    now += 60
    record(Event.LIMIT_MET, request=request_from(), limit="bad_token")
    assert Entry.objects.count() == 3


def test_a_day_has_an_allowance_too(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_800_000_000 // 86_400 * 86_400
    monkeypatch.setattr("apps.securitylog.allowance.time.time", lambda: now)
    allowed, failures = 0, allowance.in_full[Event.SIGN_IN_FAILED]
    for _ in range(1_439):
        now += 60
        allowed += sum(failures.take(str(n)) for n in range(allowance.A_MINUTE + 5))
    assert allowed == allowance.A_DAY
    now += 60
    assert failures.take("a new day")


def test_what_is_undone_is_not_recorded() -> None:
    with transaction.atomic():
        record(Event.PASSWORD_CHANGED, user_id=7)
        transaction.set_rollback(True)
    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE securitylog_entry SET event = 'signed_out'",
        "UPDATE securitylog_entry SET times = times + 2",
        "UPDATE securitylog_entry SET times = times + 1, user_id = 8",
        "UPDATE securitylog_entry SET at = at - interval '91 days'",
        "DELETE FROM securitylog_entry",
    ],
)
def test_the_database_refuses_to_change_or_delete_an_entry(sql: str) -> None:
    record(Event.SIGNED_IN, user_id=7)
    before = Entry.objects.values().get()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert Entry.objects.values().get() == before


@pytest.mark.parametrize(
    "sql", ["UPDATE securitylog_entry SET event = 'signed_out'", "DELETE FROM securitylog_entry"]
)
def test_the_trigger_alone_refuses_it(sql: str) -> None:
    record(Event.SIGNED_IN, user_id=7)
    with connection.cursor() as cursor:
        cursor.execute("GRANT ALL ON securitylog_entry TO CURRENT_USER")
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


def test_hashes_by_a_former_key_are_found() -> None:
    with override_settings(SECRET_KEY="a former key of forty characters or more."):
        before = keyed("Ann")
    assert before not in all_keyed("ann")
    with override_settings(SECRET_KEY_FALLBACKS=["a former key of forty characters or more."]):
        assert before in all_keyed("ann")


def test_entries_are_deleted_once_their_90_days_are_over() -> None:
    record(Event.SIGNED_IN, user_id=7)
    old = [Entry(event="signed_in", user_id=8, at=timezone.now() - timedelta(days=n)) for n in (89, 91, 200)]
    Entry.objects.bulk_create(old)
    assert sweep() == 2
    assert set(Entry.objects.values_list("user_id", flat=True)) == {7, 8}
    assert sweep() == 0


def test_without_postgresql_the_line_is_in_the_log_and_the_error_is_the_callers(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away:
        in_atomic_block = False

        def cursor(self) -> None:
            raise OperationalError

    monkeypatch.setattr("apps.securitylog.recording.connection", Away())
    with caplog.at_level("INFO", "kwippy.security"), pytest.raises(OperationalError):
        record(Event.SIGN_IN_FAILED, request=request_from(), login="ann")
    [line] = [entry.msg for entry in caplog.records if isinstance(entry.msg, dict)]
    assert line["kind"] == "sign_in_failed"
    assert "ann" not in str(line)
