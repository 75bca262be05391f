"""A shutdown costs no attempt: what was not begun is given back, and so is what is cut off."""

import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from apps.commandqueue.core.options import WorkerOptions
from apps.commandqueue.core.worker import Worker
from apps.commandqueue.models import Command, State
from apps.commandqueue.tests import tasks
from apps.commandqueue.tests.conftest import wait_for, work_until_finished

pytestmark = pytest.mark.django_db(transaction=True)

BACKEND = "apps.commandqueue.tasks.backend.QueueTaskBackend"


@pytest.mark.parametrize("batched", [[], ["apps.commandqueue.tests.tasks.hang"]])
def test_a_task_that_a_shutdown_cuts_off_has_its_attempt_back(settings: Any, batched: list[str]) -> None:
    settings.TASKS = {"default": {"BACKEND": BACKEND, "OPTIONS": {"batched": batched}}}
    tasks.let_go.clear()
    cut, *others = [tasks.hang.enqueue() for _ in range(3)]
    worker = Worker(queues=["default"], options=WorkerOptions(poll=0.05, grace=0.3))
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(worker.run()))
    thread.start()
    try:
        wait_for(partial(is_in_a_task, worker))
        worker.stop()
        thread.join(30)
        assert codes == [1]
        for one in (cut, *others):
            command = Command.objects.get(pk=int(one.id))
            assert (command.state, command.worker_ids) == (State.WAITING, [])
            assert (command.lost_attempts, command.attempted_at) == (0, None)
            said = [error["reason"] for error in command.errors]
            assert said == (["cut off by a shutdown"] if one is cut else [])
    finally:
        tasks.let_go.set()
        for hung in worker.threads:
            hung.join(30)
    # It came back too late: what it returned is dropped, and the next worker runs it.
    assert Command.objects.get(pk=int(cut.id)).state == State.WAITING


def test_a_task_that_returns_in_the_grace_is_settled() -> None:
    tasks.let_go.clear()
    running, waiting = tasks.hang.enqueue(), tasks.hang.enqueue()
    worker = Worker(queues=["default"], options=WorkerOptions(poll=0.05))
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        wait_for(partial(is_in_a_task, worker))
        worker.stop()
    finally:
        tasks.let_go.set()
        thread.join(30)
    assert Command.objects.get(pk=int(running.id)).state == State.DONE
    left = Command.objects.get(pk=int(waiting.id))
    assert (left.state, left.worker_ids) == (State.WAITING, [])


def test_a_task_that_many_deployments_cut_off_is_run_in_the_end(settings: Any, tmp_path: Path) -> None:
    settings.TASKS = {"default": {"BACKEND": BACKEND, "OPTIONS": {"max_attempts": 1}}}
    tasks.let_go.clear()
    task = tasks.hang.enqueue()
    hung: list[threading.Thread] = []
    try:
        for _ in range(4):
            worker = Worker(queues=["default"], options=WorkerOptions(poll=0.05, grace=0.1))
            hung.extend(worker.threads)
            thread = threading.Thread(target=worker.run)
            thread.start()
            wait_for(partial(is_in_a_task, worker))
            worker.stop()
            thread.join(30)
    finally:
        tasks.let_go.set()
        for one in hung:
            one.join(30)
    assert work_until_finished(Command.objects.get(pk=int(task.id))).state == State.DONE


def is_in_a_task(worker: Worker) -> bool:
    return worker.threads[0].current is not None
