"""What operators see and do: admin, manage.py commands, metrics, a worker's readiness."""

import io
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from prometheus_client import generate_latest

from apps.commandqueue import health, metrics, store
from apps.commandqueue.messages import mark
from apps.commandqueue.models import Command, State
from apps.commandqueue.tests import tasks
from apps.commandqueue.tests.conftest import let_time_pass, send, work, work_until_finished
from apps.commandqueue.tests.smtpserver import Server
from apps.commandqueue.worker import Worker

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/commandqueue/command/"


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("ops", "ops@example.org", "x"))
    return client


@pytest.fixture
def dead(queue: Server) -> Command:
    """A dead letter."""
    queue.fail("RCPT", "550 no such person")
    command = send()
    work()
    command.refresh_from_db()
    assert command.state == State.DEAD
    return command


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("commands", *arguments, stdout=out)
    return out.getvalue()


def test_the_admin_shows_what_became_of_a_command_and_never_what_was_in_it(
    operator: Client, dead: Command
) -> None:
    result = tasks.echo.enqueue("a private word")
    for address in (LIST, f"{LIST}{dead.pk}/change/", f"{LIST}{result.id}/change/"):
        page = operator.get(address)
        assert page.status_code == 200
        assert b"the kettle is on" not in page.content
        assert b"a private word" not in page.content
    assert "550 no such person" in operator.get(LIST).content.decode()
    assert operator.post(f"{LIST}{dead.pk}/delete/").status_code == 403
    assert operator.get(f"{LIST}add/").status_code == 403


def test_the_admin_requeues_dead_letters_and_says_what_can_not_be(
    operator: Client, dead: Command, queue: Server
) -> None:
    done = send()
    work()
    chosen = {"action": "requeue", "_selected_action": [dead.pk, done.pk]}
    page = operator.post(LIST, chosen, follow=True).content.decode()
    assert "1 command will be tried again." in page
    assert "1 can&#x27;t be" in page
    work()
    assert queue.message_ids() == [done.message_id, dead.message_id]


def test_the_admin_discards(operator: Client, dead: Command) -> None:
    operator.post(LIST, {"action": "discard", "_selected_action": [dead.pk]})
    dead.refresh_from_db()
    assert (dead.state, dead.body) == (State.DISCARDED, None)


def test_commands_status_names_each_lane_and_state(dead: Command) -> None:
    send()
    lines = [line.split()[:3] for line in said("status").splitlines()]
    assert lines == [["default", "dead", "1"], ["default", "waiting", "1"]]


def test_commands_status_of_an_empty_queue_says_so() -> None:
    assert said("status") == "Nothing waits, nothing is in hand, nothing has died.\n"


def test_commands_requeue_takes_numbers_or_all(dead: Command) -> None:
    assert "1 will be tried again" in said("requeue", str(dead.pk))
    assert "The others can't be" in said("requeue", str(dead.pk))
    assert "0 will be tried again" in said("requeue", "--all")
    with pytest.raises(CommandError):
        said("requeue")


def test_commands_purge_forgets_what_is_done(queue: Server, dead: Command) -> None:
    send()
    work()
    assert said("purge") == "0 forgotten.\n"
    assert said("purge", "--days=0") == "1 forgotten.\n"
    assert said("purge", "--days=0", "--dead") == "1 forgotten.\n"


def test_metrics_tell_depth_age_and_dead_letters(dead: Command) -> None:
    mark(EmailMessage("tea", "", "ann@example.org", ["bob@example.org"])).send()
    text = generate_latest(metrics.registry()).decode()
    assert 'commandqueue_depth{lane="default",state="waiting"} 1.0' in text
    assert 'commandqueue_depth{lane="default",state="dead"} 1.0' in text
    assert 'commandqueue_depth{lane="now",state="waiting"} 0.0' in text
    assert 'commandqueue_oldest_seconds{lane="default"} 0.' in text
    assert "commandqueue_up 1.0" in text


def test_metrics_say_when_postgresql_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    def fail() -> None:
        raise OperationalError

    monkeypatch.setattr("apps.commandqueue.store.status", fail)
    assert "commandqueue_up 0.0" in generate_latest(metrics.registry()).decode()


def test_a_worker_counts_how_attempts_ended(dead: Command) -> None:
    def count() -> float:
        labels = {"kind": "mail", "lane": "default", "state": "done"}
        return metrics.WORKER.get_sample_value("commandqueue_attempts_total", labels) or 0

    before = count()
    send()
    work()
    assert count() == before + 1


def test_a_worker_answers_for_itself(queue: Server) -> None:
    worker = Worker(lanes=["default"])
    server = health.serve(worker, port=0)
    port = server.server_address[1]
    try:
        assert ask(port, "/livez") == (200, "ok\n")
        assert ask(port, "/readyz")[0] == 503
        for thread in worker.threads:
            thread.start()
        assert ask(port, "/readyz")[0] == 200
        assert "commandqueue_depth" in ask(port, "/metrics")[1]
        worker.threads[0].answered_at -= 60
        worker.threads[0].pace = worker.pace
        worker.stop()
        assert ask(port, "/readyz")[0] == 503
        assert ask(port, "/nothing")[0] == 404
    finally:
        worker.stop()
        for thread in worker.threads:
            thread.join(10)
        server.shutdown()
        server.server_close()


def test_a_claim_reads_no_more_of_the_index_than_it_takes(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO commandqueue_command (kind, lane, backend, priority, due_at, expires_at)"
            " SELECT 'mail', 'default', 'default', n % 3, now() + (n % 2) * interval '1 day',"
            " now() + interval '1 week'"
            " FROM generate_series(1, 20000) n"
        )
        cursor.execute("VACUUM ANALYZE commandqueue_command")
        from apps.commandqueue.statements import SQL

        parameters: dict[str, Any] = {
            "lane": "default", "limit": 20, "lease": 60, "token": "0" * 32, "not_kinds": [],
        }  # fmt: skip
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS) " + SQL.statement("claim").text, parameters)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "commandqueue_due" in plan
    assert "Seq Scan" not in plan


def test_a_worker_tells_only_those_it_should_of_the_queue(queue: Server, settings: Any) -> None:
    server = health.serve(Worker(lanes=["default"]), host="0.0.0.0", port=0)
    port = server.server_address[1]
    try:
        assert ask(port, "/metrics")[0] == 200
        assert ask(port, "/metrics", {"X-Forwarded-For": "10.0.0.1"})[0] == 404
        assert ask(port, "/readyz", {"Forwarded": "for=10.0.0.1"})[0] == 404
        settings.METRICS_NETWORKS = ["10.0.0.0/8"]
        assert [ask(port, path)[0] for path in ("/metrics", "/readyz", "/livez")] == [404, 404, 200]
    finally:
        server.shutdown()
        server.server_close()


# ── A mail server that refuses ───────────────────────────────────────────────────────────────────


def refuse_connections(server: Server) -> None:
    server.stop()


def refuse_clients(server: Server) -> None:
    server.fail("GREETING", "554 go away", times=100)


def put_off_senders(server: Server) -> None:
    server.fail("MAIL", "451 not now <bob@example.org>", times=100)


def put_off_recipients(server: Server) -> None:
    server.fail("RCPT", "450 <bob@example.org>: not now", times=100)


REFUSALS: dict[Callable[[Server], None], str] = {
    refuse_connections: "refused",
    refuse_clients: "554 go away",
    put_off_senders: "451 not now <…@example.org>",
    put_off_recipients: "450 <…@example.org>: not now",
}


def figure(text: str, name: str) -> float:
    [value] = [line.split()[-1] for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(value)


def make_older(command: Command, *, minutes: int) -> None:
    """The command was made so long ago; its next attempt is when it was."""
    Command.objects.filter(pk=command.pk).update(created_at=Now() - timedelta(minutes=minutes))


@pytest.mark.parametrize("refuse", REFUSALS)
def test_a_mail_server_that_refuses_is_seen_everywhere(
    queue: Server, operator: Client, refuse: Callable[[Server], None]
) -> None:
    refuse(queue)
    stuck = send()
    for _ in range(3):
        let_time_pass()
        work()
    make_older(stuck, minutes=30)
    Command.objects.filter(pk=stuck.pk).update(due_at=Now() + timedelta(minutes=10))

    status = said("status")
    assert "the oldest for 1,8" in status
    assert "1 stuck" in status
    line = next(line for line in status.splitlines() if line.split()[:1] == [str(stuck.pk)])
    assert "3 attempts, next in " in line
    assert REFUSALS[refuse] in line
    assert "bob@" not in status

    state = generate_latest(metrics.registry()).decode()
    assert 1_800 <= figure(state, 'commandqueue_oldest_seconds{lane="default"}') < 3_600
    assert figure(state, 'commandqueue_stuck{lane="default"}') == 1
    worker = Worker(lanes=["default"])
    own = generate_latest(metrics.WORKER).decode()
    assert figure(own, 'commandqueue_mail_failures_in_a_row{backend="default"}') >= 3
    readiness = health.readiness(worker)
    assert readiness["mail"] is False
    assert REFUSALS[refuse] in str(readiness["mail default"])
    assert "bob@" not in str(readiness)

    # Newer ones that wait for nothing but their turn come after it.
    send(), send()
    listed = re.findall(r"/admin/commandqueue/command/(\d+)/change/", operator.get(LIST).content.decode())
    assert listed[0] == str(stuck.pk)

    if refuse is refuse_connections:
        queue.start()
    queue.reset()
    let_time_pass()
    work()
    assert "stuck" not in said("status")
    assert health.readiness(worker)["mail"] is True
    own = generate_latest(metrics.WORKER).decode()
    assert figure(own, 'commandqueue_mail_failures_in_a_row{backend="default"}') == 0


def test_a_refusal_for_good_says_nothing_of_the_server(queue: Server) -> None:
    work_until_finished(send())
    queue.fail("RCPT", "550 no such person", times=3)
    for _ in range(3):
        work_until_finished(send())
    assert health.readiness(Worker(lanes=["default"]))["mail"] is True


def test_mail_that_no_worker_begins_is_stuck_after_a_minute(queue: Server) -> None:
    command = send()
    assert "stuck" not in said("status")
    Command.objects.filter(pk=command.pk).update(due_at=Now() - timedelta(minutes=2))
    assert "no worker has begun it" in said("status")


def test_what_is_to_run_later_is_not_stuck(queue: Server) -> None:
    tomorrow = timezone.now() + timedelta(days=1)
    tasks.echo.using(run_after=tomorrow).enqueue("later")
    assert "not due yet" in said("status")
    assert "stuck" not in said("status")
    state = generate_latest(metrics.registry()).decode()
    assert figure(state, 'commandqueue_oldest_seconds{lane="default"}') == 0


def test_the_admin_and_the_statements_agree_on_what_is_stuck(queue: Server) -> None:
    """Each combination of state, attempt and time."""
    for state in State.values:
        for attempted_at in (None, Now()):
            for minutes in (-1, 0, 2):
                command = send()
                due_at = Now() - timedelta(minutes=minutes)
                Command.objects.filter(pk=command.pk).update(
                    state=state, attempted_at=attempted_at, due_at=due_at, finished_at=Now()
                )
    by_django = set(Command.objects.filter(Command.STUCK).values_list("pk", flat=True))
    assert {command.id for command in store.stuck(limit=100)} == by_django
    assert sum(row.stuck for row in store.status()) == len(by_django) == 4


def ask(port: Any, path: str, headers: Mapping[str, str] = MappingProxyType({})) -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=dict(headers))
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
