"""Workers that are killed, stopped or cut off from PostgreSQL lose nothing."""

import http.client
import signal
import socket
import threading
from collections import Counter

import pytest
from django.db import connection, transaction

from apps.commandqueue.core import store
from apps.commandqueue.core.options import WorkerOptions
from apps.commandqueue.core.worker import MOST_STACK, Worker
from apps.commandqueue.models import Command, Kind, State
from apps.commandqueue.tests import tasks
from apps.commandqueue.tests.conftest import (
    OPTIONS,
    TORTURE,
    let_time_pass,
    send,
    wait_for,
    work_until_finished,
)
from apps.commandqueue.tests.processes import kill, worker
from apps.commandqueue.tests.smtpserver import ACCEPT_AND_HANG, HANG, Server

pytestmark = pytest.mark.django_db(transaction=True)
TIMES = 50 if TORTURE else 3
# Where the server holds the dialogue while the worker is killed, and how often the message may arrive then.
POINTS = {
    "the greeting is awaited": ("GREETING", HANG, {1}),
    "the recipients are named": ("DATA", HANG, {1}),
    # What the kernel has taken arrives whole.
    "the message is under way": ("BODY", HANG, {1, 2}),
    "the message is accepted and the answer under way": ("FINAL", ACCEPT_AND_HANG, {2}),
}


@pytest.mark.parametrize("point", POINTS)
def test_killed_in_the_dialogue(mail_server: Server, point: str) -> None:
    stage, how, arrives = POINTS[point]
    for _ in range(TIMES):
        mail_server.reset()
        first, second = send(), send()
        mail_server.fail(stage, how)
        with worker("--queues=default", smtp_port=mail_server.port) as process:
            assert mail_server.reached.get(timeout=60) == stage
            kill(process)
        # The fifth point: claimed in the same batch, and not begun.
        second.refresh_from_db()
        assert (second.state, second.lost_attempts) == (State.LEASED, 0)
        mail_server.proceed()
        let_time_pass()
        for command in (first, second):
            assert work_until_finished(command).state == State.DONE
        arrived = Counter(mail_server.message_ids())
        assert arrived.pop(first.message_id) in arrives
        assert arrived == {second.message_id: 1}
        assert len(first.worker_ids) == 2
        assert len(second.worker_ids) == 1


def test_killed_between_the_final_answer_and_its_settlement(mail_server: Server) -> None:
    for _ in range(TIMES):
        mail_server.reset()
        command = send()
        mail_server.fail("FINAL", HANG)
        with worker("--queues=default", smtp_port=mail_server.port) as process:
            assert mail_server.reached.get(timeout=60) == "FINAL"
            with transaction.atomic():
                # The settlement waits for this lock.
                Command.objects.select_for_update().get(pk=command.pk)
                mail_server.proceed()
                wait_for(lambda: mail_server.accepted and waits_for_a_lock())
                kill(process)
                # PostgreSQL would still carry out what it was asked.
                cut_others_off()
        let_time_pass()
        assert work_until_finished(command).state == State.DONE
        assert mail_server.message_ids() == [command.message_id] * 2


def test_a_lease_that_ended_is_reported_and_not_settled(mail_server: Server) -> None:
    send()
    [claimed] = store.claim(queue_name="default", limit=9, lease=60)
    _, held = store.settle_and_renew(None, claimed, worker="one", lease=60)
    assert held is not None
    let_time_pass()
    store.reap(max_lost_attempts=3, base=0)
    [again] = store.claim(queue_name="default", limit=9, lease=60)
    _, held = store.settle_and_renew(None, again, worker="two", lease=60)
    assert held is not None
    was_ours, _ = store.settle_and_renew(claimed, None, worker="one", lease=60)
    assert not was_ours
    assert store.settle_and_renew(None, claimed, worker="one", lease=60) == (True, None)
    store.release([claimed])
    was_ours, _ = store.settle_and_renew(again, None, worker="two", lease=60)
    assert was_ours


def test_two_workers_send_each_message_once(mail_server: Server) -> None:
    count = 10_000 if TORTURE else 300
    for _ in range(count):
        send()
    both = ("--once", "--threads=2", "--queues=default")
    with worker(*both, smtp_port=mail_server.port) as one, worker(*both, smtp_port=mail_server.port) as two:
        assert (one.wait(600), two.wait(600)) == (0, 0)
    # The workers' settings have tasks that recur.
    mail = Command.objects.filter(kind=Kind.MAIL)
    assert Counter(mail_server.message_ids()) == Counter(mail.values_list("message_id", flat=True))
    assert set(mail.values_list("state", flat=True)) == {State.DONE}
    assert len({worker_ids[0] for worker_ids in mail.values_list("worker_ids", flat=True)}) > 1


def test_a_poison_command_ends_dead_and_holds_nobody_up(mail_server: Server) -> None:
    poison = tasks.kill_the_worker.enqueue()
    messages = [send() for _ in range(5)]
    for _ in range(3):
        with worker("--once", "--queues=default", smtp_port=mail_server.port) as process:
            assert process.wait(60) == -signal.SIGKILL
        let_time_pass()
        store.reap(max_lost_attempts=3, base=0)
    with worker("--once", "--queues=default", smtp_port=mail_server.port) as process:
        assert process.wait(60) == 0
    for message in messages:
        message.refresh_from_db()
        assert message.state == State.DONE
        # Batch-mates of the poison: their attempts were not used up.
        assert len(message.worker_ids) == 1
    dead = Command.objects.get(pk=int(poison.id))
    assert dead.state == State.DEAD
    assert len(dead.worker_ids) == 3
    assert "attempt lost with its worker, 3 in a row" in dead.errors[-1]["reason"]


def test_a_worker_that_starts_under_the_name_of_a_dead_one_leaves_no_command_behind() -> None:
    """In a container each worker may have the same host name and process id as the one before."""
    task = tasks.add.enqueue(2, 3)
    [claimed] = store.claim(queue_name="default", limit=9, lease=60)
    assert store.settle_and_renew(None, claimed, worker="box:1:default-1", lease=60)[1] is not None
    # Its successor does not take the lease for its own.
    assert store.claim(queue_name="default", limit=9, lease=60) == []
    let_time_pass()
    store.reap(max_lost_attempts=3, base=0)
    [again] = store.claim(queue_name="default", limit=9, lease=60)
    assert store.settle_and_renew(None, again, worker="box:1:default-1", lease=60)[1] is not None
    assert store.settle_and_renew(claimed, None, worker="box:1:default-1", lease=60)[0] is False
    assert store.settle_and_renew(again, None, worker="box:1:default-1", lease=60)[0] is True
    assert Command.objects.get(pk=int(task.id)).state == State.DONE


def test_sigterm_finishes_what_is_in_hand_and_leaves_the_rest(mail_server: Server) -> None:
    first, second = send(), send()
    mail_server.fail("FINAL", HANG)
    port = free_port()
    with worker("--queues=default", f"--port={port}", smtp_port=mail_server.port) as process:
        assert mail_server.reached.get(timeout=60) == "FINAL"
        assert readiness(port) == 200
        process.terminate()
        wait_for(lambda: readiness(port) == 503)
        mail_server.proceed()
        assert process.wait(60) == 0
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.state == State.DONE
    # Given back at once, not when its lease ends.
    assert (second.state, second.worker_ids) == (State.WAITING, [])


def test_a_worker_outlives_its_connections_to_postgresql(mail_server: Server) -> None:
    running = Worker(queues=["default"], options=OPTIONS)
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        for _ in range(3):
            mail_server.fail("FINAL", HANG)
            command = send()
            assert mail_server.reached.get(timeout=60) == "FINAL"
            cut_others_off()
            mail_server.proceed()
            wait_for(Command.objects.filter(pk=command.pk, state=State.DONE).exists)
            command.refresh_from_db()
            assert len(command.worker_ids) == 1
        assert len(mail_server.accepted) == 3
        assert running.is_ready()
    finally:
        running.stop()
        thread.join(30)
    assert not thread.is_alive()


def test_a_thread_that_does_not_come_back_is_replaced(mail_server: Server) -> None:
    from django.test import override_settings

    options = {"BACKEND": "apps.commandqueue.tasks.backend.QueueTaskBackend", "OPTIONS": {"time_limit": 0.3}}
    with override_settings(TASKS={"default": options}):
        tasks.let_go.clear()
        hanging = tasks.hang.enqueue()
        # It is replaced when its time is over, and a lease besides.
        running = Worker(queues=["default"], options=WorkerOptions(lease=2, poll=0.05))
        [hung] = running.threads
        thread = threading.Thread(target=running.run)
        thread.start()
        try:
            wait_for(lambda: running.threads != [hung], seconds=60)
            assert hung.is_alive()
            # Operators see in its row where it hangs.
            told = Command.objects.get(pk=int(hanging.id)).errors[-1]
            assert told["reason"] == "it hangs: another thread took over"
            assert "let_go.wait" in told["traceback"]
            assert len(told["traceback"]) <= MOST_STACK
            command = send()
            wait_for(lambda: Command.objects.get(pk=command.pk).state == State.DONE, seconds=60)
        finally:
            tasks.let_go.set()
            running.stop()
            thread.join(30)
            hung.join(30)
        assert not thread.is_alive()
        assert not hung.is_alive()
        # What it came back with is too late; the command is begun again.
        let_time_pass()
        assert work_until_finished(Command.objects.get(pk=int(hanging.id))).state == State.DONE


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def readiness(port: int) -> int:
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        asked.request("GET", "/readyz")
        return asked.getresponse().status
    finally:
        asked.close()


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def cut_others_off() -> None:
    """End every other connection to this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
