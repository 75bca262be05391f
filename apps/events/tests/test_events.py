"""Subscribers within the transaction and after the commit, and hooks that run before all others."""

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from apps.events import Event, collect, declared

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class Boiled:
    litres: int


class Refused(Exception):
    pass


@pytest.fixture
def boiled() -> Iterator[Event[Boiled]]:
    event = Event("boiled", Boiled)
    yield event
    declared.remove(event)


@pytest.fixture
def seen() -> list[object]:
    return []


@contextmanager
def rolled_back() -> Iterator[None]:
    """A savepoint that is rolled back at its end."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def refuse(event: Boiled) -> None:
    raise Refused


def test_subscribers_within_run_at_once_and_in_order(boiled: Event[Boiled], seen: list[object]) -> None:
    boiled.within(lambda event: seen.append(("first", event.litres)))
    boiled.within(lambda event: seen.append(("second", event.litres)))
    with transaction.atomic():
        boiled.emit(Boiled(2))
        assert seen == [("first", 2), ("second", 2)]


def test_an_exception_within_rolls_the_transaction_back_even_where_it_is_caught(
    boiled: Event[Boiled], seen: list[object]
) -> None:
    boiled.within(refuse)
    boiled.after_commit(seen.append)
    with transaction.atomic():
        transaction.on_commit(lambda: seen.append("committed"))
        with pytest.raises(Refused):
            boiled.emit(Boiled(1))
        assert transaction.get_rollback()
    assert seen == []


def test_subscribers_after_the_commit_run_then_and_not_after_a_rollback(
    boiled: Event[Boiled], seen: list[object]
) -> None:
    boiled.after_commit(seen.append)
    with transaction.atomic():
        boiled.emit(Boiled(1))
        with rolled_back():
            boiled.emit(Boiled(2))
        assert seen == []
    assert seen == [Boiled(1)]


def test_an_exception_after_the_commit_is_logged_and_the_others_still_run(
    boiled: Event[Boiled], seen: list[object], caplog: pytest.LogCaptureFixture
) -> None:
    boiled.after_commit(refuse)
    boiled.after_commit(seen.append)
    with transaction.atomic():
        boiled.emit(Boiled(1))
    assert seen == [Boiled(1)]
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert f"{__name__}.refuse" in caplog.text


def test_outside_a_transaction_everything_runs_at_once_in_the_same_order(
    boiled: Event[Boiled], seen: list[object]
) -> None:
    boiled.after_commit(lambda _: seen.append("after commit"))
    boiled.within(lambda _: collect(seen.extend, ["second", "first"]))
    boiled.within(lambda _: collect(seen.extend, ["third"]))
    boiled.emit(Boiled(1))
    assert seen == ["first", "second", "third", "after commit"]


def test_what_was_collected_runs_before_earlier_hooks(seen: list[object]) -> None:
    with transaction.atomic():
        transaction.on_commit(lambda: seen.append("other"))
        collect(seen.append, ["one"])
        collect(seen.extend, ["two"])
        transaction.on_commit(lambda: seen.append("last"))
        assert seen == []
    assert seen == [["one"], "two", "other", "last"]


def test_items_collected_in_a_transaction_cost_one_call(seen: list[object]) -> None:
    with transaction.atomic():
        collect(seen.append, ["b"])
        with transaction.atomic(savepoint=False):
            collect(seen.append, ["a", "b"])
        collect(seen.append, [])
    assert seen == [["a", "b"]]


def test_a_rolled_back_savepoint_drops_its_items_and_no_others(seen: list[object]) -> None:
    with transaction.atomic():
        collect(seen.extend, ["kept"])
        with rolled_back():
            collect(seen.extend, ["dropped", "kept"])
        with transaction.atomic():
            collect(seen.extend, ["inner"])
    assert sorted(map(str, seen)) == ["inner", "kept"]


def test_an_exception_of_a_hook_does_not_stop_the_next(
    seen: list[object], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: list[str]) -> None:
        raise Refused

    with transaction.atomic():
        collect(fail, ["cache"])
        collect(seen.extend, ["page"])
    assert seen == ["page"]
    assert "fail" in caplog.text


def test_django_stores_commit_hooks_in_the_expected_form() -> None:
    """Fails if Django changes its private list; then `apps/events/hooks.py` must change too."""

    def hook() -> None: ...

    with transaction.atomic(), transaction.atomic():
        [savepoint] = set(connection.savepoint_ids) - {None}
        transaction.on_commit(hook, robust=True)
        assert type(connection.run_on_commit) is list
        assert connection.run_on_commit == [({savepoint}, hook, True)]
        transaction.set_rollback(True)


def test_the_command_prints_each_event_with_its_subscribers_in_order(boiled: Event[Boiled]) -> None:
    boiled.within(refuse)
    boiled.after_commit(call_command)
    output = io.StringIO()
    call_command("events", stdout=output)
    assert f"{__name__}\n  boiled(litres: int)\n" in output.getvalue()
    assert f"within the transaction  1. {__name__}.refuse\n" in output.getvalue()
    assert "after the commit        1. django.core.management.call_command\n" in output.getvalue()


# ── Before the commit ─────────────────────────────────────────────────────────────────────────────


def test_what_runs_before_the_commit_sees_the_items_of_all_open_savepoints_and_hands_on_its_result() -> None:
    log: list[object] = []

    def before(items: list[str]) -> str:
        log.append(("before", items, connection.in_atomic_block, connection.get_autocommit()))
        return "prepared"

    def after(items: list[str], prepared: str) -> None:
        log.append(("after", items, prepared))

    with transaction.atomic():
        collect(after, ["b"], before=before)
        collect(after, ["a"], before=before)
        with suppress(ZeroDivisionError), transaction.atomic():
            collect(after, ["lost"], before=before)
            raise ZeroDivisionError
        assert log == []
    assert log == [("before", ["a", "b"], False, False), ("after", ["a", "b"], "prepared")]


def test_nothing_runs_before_a_rollback() -> None:
    log: list[object] = []
    with suppress(ZeroDivisionError), transaction.atomic():
        collect(log.append, ["a"], before=log.append)
        raise ZeroDivisionError
    with transaction.atomic():
        pass
    assert log == []


def test_a_commit_goes_on_where_what_runs_before_it_raises(caplog: pytest.LogCaptureFixture) -> None:
    log: list[object] = []

    def before(items: list[str]) -> None:
        raise ZeroDivisionError

    with transaction.atomic():
        collect(log.append, ["a"], before=before)
    assert log == [["a"]]
    assert "before the commit" in caplog.text


def test_the_items_of_several_savepoints_cost_one_call_before_the_commit_and_one_after_it() -> None:
    log: list[object] = []

    def before(items: list[str]) -> str:
        log.append(("before", items))
        return "prepared"

    def after(items: list[str], prepared: str) -> None:
        log.append(("after", items, prepared))

    with transaction.atomic():
        for item in ("c", "a", "b"):
            with transaction.atomic():
                collect(after, [item], before=before)
        collect(log.append, ["other"])
    assert log[0] == ("before", ["a", "b", "c"])
    assert sorted(map(str, log[1:])) == [str(("after", ["a", "b", "c"], "prepared")), str(["other"])]


def test_what_was_done_before_a_commit_that_a_constraint_refuses_is_undone() -> None:
    log: list[object] = []

    def undo(items: list[str], prepared: str) -> None:
        log.append(("undone", items, prepared))

    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE once (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        with suppress(IntegrityError), transaction.atomic():
            collect(undo, ["a"], before=lambda items: "prepared")
            collect(log.append, ["committed"])
            transaction.on_commit(lambda: log.append("committed"))
            cursor.execute("INSERT INTO once VALUES (1), (1)")
            log.append("inserted")
        cursor.execute("DROP TABLE once")
    assert log == ["inserted", ("undone", ["a"], "prepared")]
