"""The admin of the queue."""

import pytest
from django.test import Client

from apps.commandqueue.models import Command, State
from apps.commandqueue.tests import tasks
from apps.commandqueue.tests.conftest import send, work
from apps.commandqueue.tests.smtpserver import Server

pytestmark = pytest.mark.django_db(transaction=True)


LIST = "/admin/commandqueue/command/"


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
    operator: Client, dead: Command, mail_server: Server
) -> None:
    done = send()
    work()
    chosen = {"action": "requeue", "_selected_action": [dead.pk, done.pk]}
    page = operator.post(LIST, chosen, follow=True).content.decode()
    assert "1 command was requeued." in page
    assert "1 could not be requeued" in page
    work()
    assert mail_server.message_ids() == [done.message_id, dead.message_id]


def test_the_admin_discards(operator: Client, dead: Command) -> None:
    operator.post(LIST, {"action": "discard", "_selected_action": [dead.pk]})
    dead.refresh_from_db()
    assert (dead.state, dead.body) == (State.DISCARDED, None)
