"""During an upgrade the release before still runs: the table stays as it is, and its rows stay valid."""

import io

import pytest
from django.core.management import call_command
from django.db import connection

from apps.commandqueue.models import Command, Queue, State
from apps.commandqueue.tests.conftest import work_until_finished

pytestmark = pytest.mark.django_db(transaction=True)


def test_new_names_of_fields_and_models_change_nothing_in_the_database() -> None:
    out = io.StringIO()
    call_command("sqlmigrate", "commandqueue", "0002", stdout=out)
    assert [line for line in out.getvalue().splitlines() if line and not line.startswith("--")] == [
        "BEGIN;",
        "COMMIT;",
    ]


def test_the_models_and_the_migrations_agree() -> None:
    call_command("makemigrations", "commandqueue", check=True, dry_run=True, verbosity=0)


def test_a_row_that_the_release_before_enqueued_is_carried_out() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO commandqueue_command (kind, lane, backend, priority, expires_at, task, arguments)"
            " VALUES ('task', 'bulk', 'default', 0, now() + interval '1 day',"
            " 'apps.commandqueue.tests.tasks.add', '{\"args\": [2, 3], \"kwargs\": {}}')"
        )
    command = work_until_finished(Command.objects.get())
    assert (command.queue_name, command.state, command.result) == (Queue.BULK, State.DONE, {"value": 5})
