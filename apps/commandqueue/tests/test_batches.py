"""Batched tasks share transactions; a task that is not batched is done twice at most once a fault."""

import itertools
import logging
import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError, connection
from django.tasks.signals import task_finished

from apps.commandqueue.core import store
from apps.commandqueue.core.batch import TaskBatch
from apps.commandqueue.core.options import WorkerOptions
from apps.commandqueue.core.outcomes import Outcome
from apps.commandqueue.core.thread import Done
from apps.commandqueue.core.worker import Worker
from apps.commandqueue.models import Command, State
from apps.commandqueue.tests import tasks
from apps.commandqueue.tests.conftest import (
    OPTIONS,
    TORTURE,
    let_time_pass,
    wait_for,
    work,
    work_until_finished,
)

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "apps.commandqueue.tests.tasks."
BATCHED = [
    PATH + name for name in ("add", "refuse_odd", "take_a_while", "append_and_kill", "kill_the_worker")
]


@pytest.fixture
def batched(settings: Any) -> None:
    backend = "apps.commandqueue.tasks.backend.QueueTaskBackend"
    settings.TASKS = {"default": {"BACKEND": backend, "OPTIONS": {"batched": [*BATCHED]}}}


def thread_of_a_worker(**options: Any) -> Any:
    """A thread that a test drives itself."""
    [thread] = Worker(queues=["default"], options=WorkerOptions(poll=0.05, **options), once=True).threads
    return thread


def transactions(count: int) -> int:
    """The transactions of the queue for so many tasks: each statement outside of one, and each commit."""
    for _ in range(count):
        tasks.add.enqueue(2, 3)
    thread = thread_of_a_worker(batch_seconds=60)
    seen: list[str] = []

    def execute(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not connection.in_atomic_block:
            seen.append(sql)
        return run(sql, params, many, context)

    with (
        connection.execute_wrapper(execute),
        mock.patch.object(connection, "commit", side_effect=connection.commit) as commit,
    ):
        while thread._claim():
            thread._run_batch()
            thread._work_off()
    assert Command.objects.filter(state=State.DONE, result={"value": 5}).count() == count
    return len(seen) + commit.call_count


def test_a_thousand_batched_tasks_take_at_most_eighty_transactions(batched: None) -> None:
    count = 1_000 if TORTURE else 200
    assert transactions(count) <= count * 80 / 1_000


def test_a_task_that_is_not_batched_takes_one_transaction_and_its_part_of_a_claim() -> None:
    count = 100
    # A start each, and for twenty a claim, perhaps a look for the oldest, and a last settlement.
    assert transactions(count) <= count * 1.2


def test_each_batched_task_has_its_own_result(batched: None, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[tuple[str, str]] = []

    def hear(task_result: Any, **kwargs: Any) -> None:
        heard.append((task_result.id, task_result.status))

    task_finished.connect(hear)
    try:
        ids = [int(tasks.refuse_odd.enqueue(number).id) for number in range(8)]
        work()
    finally:
        task_finished.disconnect(hear)
    for number, pk in enumerate(ids):
        command = Command.objects.get(pk=pk)
        assert command.state == (State.DEAD if number % 2 else State.DONE)
        assert (command.result or {}).get("value") == (None if number % 2 else number)
        assert (len(command.worker_ids), command.lost_attempts) == (1, 0)
    states = {str(pk): "FAILED" if number % 2 else "SUCCESSFUL" for number, pk in enumerate(ids)}
    assert dict(heard) == states
    assert len(heard) == 8


def test_a_result_that_jsonb_refuses_fails_its_own_task(batched: None, settings: Any) -> None:
    refused: list[Any] = [tasks.return_nul, tasks.return_nan, tasks.return_half_a_pair, tasks.raise_nul]
    settings.TASKS["default"]["OPTIONS"]["batched"].extend(task.module_path for task in refused)
    good = [int(tasks.add.enqueue(2, 3).id)]
    bad = [int(task.enqueue().id) for task in refused]
    good.append(int(tasks.add.enqueue(2, 3).id))
    work()
    for command in Command.objects.filter(pk__in=good):
        assert (command.state, command.result, len(command.worker_ids)) == (State.DONE, {"value": 5}, 1)
    for command in Command.objects.filter(pk__in=bad):
        assert (command.state, command.lost_attempts) == (State.WAITING, 0)
        assert "ValueError" in command.errors[0]["exception"] or "Unicode" in command.errors[0]["exception"]


def test_batched_tasks_for_which_there_is_no_time_cost_no_attempt(batched: None) -> None:
    ids = [int(tasks.take_a_while.enqueue().id) for _ in range(10)]
    thread = thread_of_a_worker(batch_seconds=0)
    assert thread._claim()
    thread._run_batch()
    first, *others = Command.objects.filter(pk__in=ids).order_by("pk")
    # Settled at once: others may take their time.
    assert first.state == State.DONE
    for command in others:
        assert (command.state, command.worker_ids, command.lost_attempts) == (State.WAITING, [], 0)
        assert command.attempted_at is None


@pytest.mark.parametrize("lost", ["give_back", "commit"])
def test_what_was_not_begun_costs_no_attempt_if_postgresql_fails(batched: None, lost: str) -> None:
    for _ in range(3):
        tasks.add.enqueue(2, 3)
    thread = thread_of_a_worker(batch_seconds=0)
    failed: list[str] = []
    commit, release = connection.commit, store.release

    def lose(name: str) -> None:
        if lost == name and not failed:
            failed.append(name)
            raise OperationalError("server closed the connection unexpectedly")

    def commit_and_lose() -> None:
        commit()  # only the reply is lost
        lose("commit")

    def fail_to_release(*args: Any, **options: Any) -> None:
        lose("give_back")
        release(*args, **options)

    with (
        mock.patch.object(connection, "commit", commit_and_lose),
        mock.patch.object(store, "release", fail_to_release),
    ):
        thread.run()
    assert failed == [lost]
    for command in Command.objects.all():
        assert (command.state, len(command.worker_ids), command.lost_attempts) == (State.DONE, 1, 0)


def test_what_is_done_is_settled_while_claims_fail(batched: None, caplog: pytest.LogCaptureFixture) -> None:
    tasks.add.enqueue(2, 3)
    thread = thread_of_a_worker()
    unsettled: list[int] = []
    claim = store.claim

    def claim_once(**options: Any) -> Any:
        unsettled.append(len(thread.batch.done))
        if len(unsettled) in {2, 3}:
            raise OperationalError("canceling statement due to statement timeout")
        return claim(**options)

    with mock.patch.object(store, "claim", claim_once), caplog.at_level(logging.WARNING):
        thread.run()
    # The second claim fails, which undoes the settlement: it is settled apart, before the third.
    assert unsettled == [0, 1, 0, 0]
    assert Command.objects.get().state == State.DONE
    assert "twice" not in caplog.text


def test_a_batched_task_that_hangs_keeps_no_other(batched: None, settings: Any) -> None:
    settings.TASKS["default"]["OPTIONS"]["batched"].append(PATH + "hang")
    tasks.let_go.clear()
    hung, *others = [int(tasks.hang.enqueue().id) for _ in range(3)]
    worker = Worker(queues=["default"], options=OPTIONS)
    running = threading.Thread(target=worker.run)
    running.start()
    try:
        left = Command.objects.filter(pk__in=others, state=State.WAITING, worker_ids=[], lost_attempts=0)
        wait_for(lambda: Command.objects.filter(pk=hung, state=State.LEASED).exists() and left.count() == 2)
        assert {len(command.worker_ids) for command in left} == {0}
    finally:
        tasks.let_go.set()
    wait_for(lambda: Command.objects.filter(state=State.DONE).count() == 3)
    worker.stop()
    running.join(30)
    assert {len(command.worker_ids) for command in Command.objects.all()} == {1}


def test_a_thread_that_gives_up_a_settlement_does_not_hang() -> None:
    """Else the supervisor would start a second thread beside it."""
    tasks.add.enqueue(2, 3)
    thread = thread_of_a_worker()
    [command] = store.claim(queue_name="default", limit=9, lease=60)
    attempt = thread._settle_and_renew(None, command)
    assert thread.lease_ends_at is not None
    thread.lease_ends_at = time.monotonic() - 1
    with mock.patch.object(store, "settle_and_renew", side_effect=OperationalError("gone")):
        thread._settle_and_renew(Done(attempt, Outcome(State.DONE)), None)
    assert thread.lease_ends_at is None


def test_a_batch_whose_leases_ended_settles_nothing(batched: None, caplog: pytest.LogCaptureFixture) -> None:
    tasks.add.enqueue(2, 3)
    batch = TaskBatch("one")
    claimed = store.claim(queue_name="default", limit=9, lease=60)
    assert batch.start(claimed) == []
    let_time_pass()
    store.reap(max_lost_attempts=3, base=0)
    [again] = store.claim(queue_name="default", limit=9, lease=60)
    batch.done.append((batch.started.popleft(), Outcome(State.DONE, result={"value": 5})))
    with caplog.at_level(logging.WARNING):
        batch.report(batch.settle())
    assert "may be done twice" in caplog.text
    command = Command.objects.get()
    assert (command.state, command.token, command.result) == (State.LEASED, again.token, None)


def test_a_batched_task_that_kills_its_worker_costs_the_others_one_attempt(batched: None) -> None:
    poison = tasks.kill_the_worker.enqueue()
    others = [int(tasks.add.enqueue(2, 3).id) for _ in range(5)]
    for round_number in itertools.count(1):
        if not work_in_a_child():
            break
        assert round_number <= 3
        let_time_pass()
        store.reap(max_lost_attempts=3, base=0)
        let_time_pass()
    dead = Command.objects.get(pk=int(poison.id))
    assert (dead.state, len(dead.worker_ids)) == (State.DEAD, 3)
    for command in Command.objects.filter(pk__in=others):
        assert command.state == State.DONE
        assert len(command.worker_ids) <= 2


@pytest.mark.parametrize("is_batched", [False, True])
def test_a_worker_that_is_killed_in_a_task_runs_few_twice(
    settings: Any, tmp_path: Path, is_batched: bool
) -> None:
    backend = "apps.commandqueue.tasks.backend.QueueTaskBackend"
    options = {"batched": BATCHED} if is_batched else {}
    settings.TASKS = {"default": {"BACKEND": backend, "OPTIONS": options}}
    for fatal in range(20) if TORTURE else (0, 7, 19):
        Command.objects.all().delete()
        path = tmp_path / str(fatal)
        path.touch()
        for number in range(20):
            tasks.append_and_kill.enqueue(str(path), number, fatal)
        assert work_in_a_child() == signal.SIGKILL
        let_time_pass()
        for command in Command.objects.order_by("pk"):
            work_until_finished(command)
        assert set(Command.objects.values_list("state", flat=True)) == {State.DONE}
        runs = Counter(map(int, path.read_text().split()))
        assert set(runs) == set(range(20))
        assert max(runs.values()) <= 2
        twice = [number for number, times in runs.items() if times == 2]
        # Of a batch, what was done before; otherwise the task that was under way.
        assert twice == (list(range(fatal + 1)) if is_batched else [fatal])


def work_in_a_child() -> int:
    """A worker in a process of its own, with these settings; returns the signal that ended it, or 0."""
    connection.close()
    pid = os.fork()
    if not pid:
        try:
            Worker(queues=["default"], options=OPTIONS, once=True).run()
        finally:
            os._exit(0)
    return os.WTERMSIG(os.waitpid(pid, 0)[1])
