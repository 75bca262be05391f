"""Messages of operators: the admin's form, the batches, the page of a message."""

import uuid

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.commandqueue.models import Command
from apps.notifications import actions
from apps.notifications.admin import MOST_NAMES
from apps.notifications.models import WORDS_LIMIT, Notice, OperatorMessage
from apps.notifications.tests.conftest import run_commands
from apps.notifications.tests.test_bounds import crowd

pytestmark = pytest.mark.django_db(transaction=True)

ADD = "/admin/notifications/operatormessage/add/"


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("chief", "chief@example.org", "a long password"))
    return client


def send(operator: Client, **fields: str) -> str:
    """Sends the form. Returns the page's text, "" if it was accepted."""
    form = {"text": "hello", "names": "", "form_key": str(uuid.uuid4())} | fields
    answer = operator.post(ADD, form)
    return "" if answer.status_code == 302 else answer.content.decode()


def recipients() -> list[str]:
    return sorted(Notice.objects.filter(kind="operator").values_list("recipient__username", flat=True))


def test_an_operator_writes_to_members_by_name_and_they_read_it(
    operator: Client, ann: User, bob: User
) -> None:
    assert not send(operator, names="@Ann", text="the site moves: https://kwippy.example <b>soon</b>")
    assert recipients() == ["ann"]
    message = OperatorMessage.objects.get()
    assert message.written_by
    member = Client()
    member.force_login(ann)
    page = member.get("/notifications/").content.decode()
    assert f"/notifications/message/{message.pk}/" in page
    assert "the site moves" in page
    text = member.get(f"/notifications/message/{message.pk}/").content.decode()
    assert '<a href="https://kwippy.example"' in text
    assert "&lt;b&gt;soon" in text
    member.force_login(bob)
    assert member.get(f"/notifications/message/{message.pk}/").status_code == 404
    assert Client().get(f"/notifications/message/{message.pk}/").status_code == 302


def test_a_message_to_all_is_written_in_batches_to_each_active_member_once(
    operator: Client, ann: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(7)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    monkeypatch.setattr(actions, "BATCH", 4)
    assert not send(operator, to_all="on")
    assert not recipients(), "the request writes none"
    [first] = Command.objects.filter(task__endswith="notify_all_members")
    assert first.arguments
    batches = 0
    while run_commands():
        batches += 1
    assert batches == 4, "three batches, and one that finds no one"
    actions.notify_all_members.func(*first.arguments["args"])  # a worker died after the batch
    while run_commands():
        pass
    assert recipients() == sorted(["ann", "chief", *(f"fan{n}" for n in range(7))])


def test_many_names_are_written_by_commands(operator: Client) -> None:
    people = crowd(30)
    assert not send(operator, names=", ".join(person.username for person in people))
    assert not recipients()
    assert run_commands() == 1
    assert len(recipients()) == 30


def test_a_form_that_is_sent_twice_is_one_message(operator: Client, ann: User) -> None:
    key = str(uuid.uuid4())
    assert not send(operator, names="ann", form_key=key)
    assert "This message is sent already." in send(operator, names="ann", form_key=key)
    assert OperatorMessage.objects.count() == Notice.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"names": ""}, "Either name the members, or choose all."),
        ({"names": "ann", "to_all": "on"}, "Either name the members, or choose all."),
        ({"names": "ann nobody"}, "No active member has the name nobody."),
        ({"names": "ann", "text": " "}, "This field is required."),
        ({"names": "ann", "text": "x" * (WORDS_LIMIT + 1)}, "at most 2,000 characters"),
        ({"names": " ".join(f"n{n}" for n in range(MOST_NAMES + 1))}, "More than 1,000 names"),
    ],
)
def test_a_wrong_form_says_so_and_sends_nothing(
    operator: Client, ann: User, fields: dict[str, str], error: str
) -> None:
    page = send(operator, **fields)
    assert error in page.replace("2000", "2,000")
    assert not OperatorMessage.objects.exists()
    assert not Notice.objects.exists()


def test_a_deleted_message_is_no_longer_shown_nor_sent(operator: Client, ann: User) -> None:
    assert not send(operator, names="ann")
    message = OperatorMessage.objects.get()
    assert not send(operator, to_all="on", text="to all")
    operator.post(f"/admin/notifications/operatormessage/{message.pk}/delete/", {"post": "yes"})
    OperatorMessage.objects.all().delete()
    run_commands()
    member = Client()
    member.force_login(ann)
    assert "all quiet" in member.get("/notifications/").content.decode()
    assert member.get(f"/notifications/message/{message.pk}/").status_code == 404
    assert Notice.objects.count() == 1


def test_a_sent_message_is_not_changed(operator: Client, ann: User) -> None:
    assert not send(operator, names="ann")
    address = f"/admin/notifications/operatormessage/{OperatorMessage.objects.get().pk}/change/"
    assert operator.get(address).status_code == 200
    assert operator.post(address, {"text": "other"}).status_code == 403
    for page in ("", "add/"):
        assert operator.get(f"/admin/notifications/operatormessage/{page}").status_code == 200
