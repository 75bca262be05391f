"""The Tasks backend, by the contract in Django's documentation."""

import datetime
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connections, transaction
from django.tasks import TaskResult, TaskResultStatus, default_task_backend
from django.tasks.base import Task
from django.tasks.exceptions import InvalidTask, TaskResultDoesNotExist, TaskResultMismatch
from django.tasks.signals import task_enqueued, task_finished, task_started
from django.utils import timezone

from apps.commandqueue.core import store
from apps.commandqueue.models import Command, State
from apps.commandqueue.operate import actions
from apps.commandqueue.tasks.backend import QueueTaskBackend
from apps.commandqueue.tests import tasks
from apps.commandqueue.tests.conftest import let_time_pass, work

pytestmark = pytest.mark.django_db(transaction=True)
ALIAS = "apps.commandqueue.tasks.backend.QueueTaskBackend"


@pytest.fixture(autouse=True)
def three_attempts(settings: Any) -> None:
    settings.TASKS = {"default": {"BACKEND": ALIAS, "OPTIONS": {"max_attempts": 3}}}


@pytest.fixture
def signals() -> Iterator[list[str]]:
    heard: list[str] = []

    def hear(signal: Any, **kwargs: Any) -> None:
        name = {task_enqueued: "enqueued", task_started: "started", task_finished: "finished"}[signal]
        heard.append(name)

    for signal in (task_enqueued, task_started, task_finished):
        signal.connect(hear)
    yield heard
    for signal in (task_enqueued, task_started, task_finished):
        signal.disconnect(hear)


def test_the_backend_supports_all_that_there_is() -> None:
    backend: Any = default_task_backend
    assert backend.supports_defer
    assert backend.supports_priority
    assert backend.supports_get_result
    assert backend.supports_async_task


def test_a_task_runs_later_and_its_result_can_be_had_anywhere(signals: list[str]) -> None:
    result = tasks.add.enqueue(2, b=3)
    assert result.status == TaskResultStatus.READY
    assert result.args == [2]
    assert result.kwargs == {"b": 3}
    assert result.enqueued_at is not None
    with pytest.raises(ValueError, match="not finished"):
        _ = result.return_value
    work()
    result.refresh()
    assert result.status == TaskResultStatus.SUCCESSFUL
    assert result.return_value == 5
    assert result.attempts == 1
    assert result.started_at == result.last_attempted_at
    assert result.finished_at is not None
    assert tasks.add.get_result(result.id).return_value == 5
    assert signals == ["enqueued", "started", "finished"]


def test_a_coroutine_is_a_task_too() -> None:
    result = tasks.add_slowly.enqueue(2, 3)
    work()
    result.refresh()
    assert result.return_value == 5


def in_a_loop[T](coroutine: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """In a thread of its own: Playwright leaves a loop that runs in this one."""

    def run() -> T:
        try:
            return async_to_sync(coroutine)()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


def test_enqueueing_from_a_coroutine_is_possible() -> None:
    async def enqueue() -> "TaskResult[Any, Any]":
        return await tasks.add.aenqueue(2, 3)

    result = in_a_loop(enqueue)
    work()

    async def look() -> "TaskResult[Any, Any]":
        return await tasks.add.aget_result(result.id)

    assert in_a_loop(look).return_value == 5


def test_a_transaction_that_is_rolled_back_enqueues_nothing() -> None:
    def change_our_mind() -> None:
        with transaction.atomic():
            tasks.add.enqueue(2, 3)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_our_mind()
    assert not Command.objects.exists()


def test_a_task_that_fails_is_tried_again_and_says_why_in_the_end() -> None:
    result = tasks.which_attempt.enqueue(good=9)
    for attempts in (1, 2):
        work()
        result.refresh()
        assert result.status == TaskResultStatus.READY
        assert result.attempts == attempts
        let_time_pass()
    work()
    result.refresh()
    assert result.status == TaskResultStatus.FAILED
    assert [error.exception_class for error in result.errors] == [ConnectionError] * 3
    assert "the kettle is not plugged in" in result.errors[0].traceback
    with pytest.raises(ValueError, match="failed"):
        _ = result.return_value


def test_a_task_is_told_which_attempt_it_is() -> None:
    result = tasks.which_attempt.enqueue(good=2)
    work()
    let_time_pass()
    work()
    result.refresh()
    assert result.return_value == 2


def test_a_failed_task_waits_before_it_is_tried_again() -> None:
    tasks.which_attempt.enqueue(good=2)
    work()
    command = Command.objects.get()
    assert command.attempted_at is not None
    assert command.due_at > command.attempted_at


@pytest.mark.parametrize(
    "task",
    [
        tasks.refuse,
        tasks.exit_python,
        tasks.return_what_is_no_json,
        tasks.return_nul,
        tasks.return_nan,
        tasks.return_half_a_pair,
        tasks.raise_nul,
    ],
)
def test_whatever_a_task_does_is_written_down(task: "Task[Any, Any]") -> None:
    result = task.enqueue()
    for _ in range(3):
        work()
        let_time_pass()
    result.refresh()
    assert result.status == TaskResultStatus.FAILED
    assert len(result.errors) == (1 if task == tasks.refuse else 3)


def test_a_backslash_is_no_nul() -> None:
    result = tasks.echo.enqueue("\\u0000", "\\\\u0000")
    work()
    result.refresh()
    assert result.return_value == [["\\u0000", "\\\\u0000"], {}]


def test_a_task_that_leaves_a_transaction_open_does_not_take_ours_with_it() -> None:
    result = tasks.leave_a_transaction_open.enqueue()
    work(queues=["default"])
    result.refresh()
    assert result.errors[0].exception_class is RuntimeError


def test_a_task_may_enqueue(outbox: list[Any]) -> None:
    tasks.write_to.enqueue("bob@example.org")
    work()
    work()
    assert [message.recipients() for message in outbox] == [["bob@example.org"]]


def test_the_more_urgent_comes_first_and_the_same_urgency_in_its_order() -> None:
    wanted = [tasks.echo.using(priority=priority).enqueue() for priority in (0, 0, 5, -7, 100)]
    work(queues=["default"])
    done = Command.objects.order_by("finished_at").values_list("pk", flat=True)
    assert list(done) == [int(wanted[place].id) for place in (4, 2, 0, 1, 3)]


def test_of_more_than_one_can_take_the_most_urgent_are_taken() -> None:
    enqueued = [int(tasks.echo.using(priority=priority).enqueue().id) for priority in (0, 5, -7, 5)]
    taken = [store.claim(queue_name="default", limit=1, lease=60)[0].id for _ in enqueued]
    assert taken == [enqueued[place] for place in (1, 3, 0, 2)]


def test_run_after_is_waited_for() -> None:
    result = tasks.add.using(run_after=timezone.now() + datetime.timedelta(hours=1)).enqueue(2, 3)
    work()
    result.refresh()
    assert result.status == TaskResultStatus.READY
    assert result.attempts == 0
    assert default_task_backend.get_result(result.id).task.run_after == result.task.run_after
    let_time_pass()
    work()
    result.refresh()
    assert result.return_value == 5


def test_a_worker_runs_the_tasks_of_its_queues_alone() -> None:
    result = tasks.add.using(queue_name="bulk").enqueue(2, 3)
    work(queues=["now", "default"])
    result.refresh()
    assert result.status == TaskResultStatus.READY
    work(queues=["bulk"])
    result.refresh()
    assert result.status == TaskResultStatus.SUCCESSFUL


def test_arguments_that_are_no_json_are_refused_at_once() -> None:
    with pytest.raises(TypeError):
        tasks.echo.enqueue(object())
    assert not Command.objects.exists()


def test_arguments_arrive_as_json_has_them() -> None:
    result = tasks.echo.enqueue({"a": (1, 2)}, text="käse \N{TEACUP WITHOUT HANDLE}")
    work()
    result.refresh()
    assert result.return_value == [[{"a": [1, 2]}], {"text": "käse \N{TEACUP WITHOUT HANDLE}"}]


@pytest.mark.parametrize(
    "change", [{"queue_name": "no such"}, {"priority": 101}, {"run_after": datetime.datetime(2030, 1, 1)}]
)
def test_what_can_not_be_done_is_refused_when_it_is_asked_for(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidTask):
        tasks.add.using(**change)


@pytest.mark.parametrize("result_id", ["0", "99999999", "-1", "no such", "٣", "9" * 30])
def test_a_result_that_is_not_there_is_said_not_to_be(result_id: str) -> None:
    with pytest.raises(TaskResultDoesNotExist):
        default_task_backend.get_result(result_id)


def test_anothers_result_is_told_apart() -> None:
    result = tasks.add.enqueue(2, 3)
    with pytest.raises(TaskResultMismatch):
        tasks.echo.get_result(result.id)


def test_a_task_that_has_gone_from_the_code_is_tried_again_and_dies_visibly() -> None:
    tasks.add.enqueue(2, 3)
    Command.objects.update(task="apps.commandqueue.tests.tasks.gone")
    for _ in range(3):
        work()
        let_time_pass()
    command = Command.objects.get()
    assert command.state == State.DEAD
    assert "gone" in command.errors[-1]["reason"]


def test_a_dead_task_can_be_requeued() -> None:
    result = tasks.refuse.enqueue()
    work()
    assert actions.requeue() == 1
    result.refresh()
    assert result.status == TaskResultStatus.READY
    work()
    result.refresh()
    assert result.status == TaskResultStatus.FAILED
    assert result.attempts == 2


def test_enqueueing_is_one_statement(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        tasks.add.enqueue(2, 3)


def test_bad_settings_are_named_by_the_checks() -> None:
    options = {"retries": 3, "schedule": {"tea": {"task": "apps.nothing.here", "every": 60}}}
    backend = QueueTaskBackend("default", {"QUEUES": ["fast"], "OPTIONS": options})
    assert [problem.id for problem in backend.check()] == [
        "commandqueue.E001", "commandqueue.E002", "commandqueue.E003",
    ]  # fmt: skip
    assert QueueTaskBackend("default", {}).check() == []
