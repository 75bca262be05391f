"""The pages of messages: who sees what, in which order, how much; what comes back; where the text is not."""

import logging
import uuid
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts import names
from apps.accounts.models import User
from apps.commandqueue.models import Command
from apps.graph.models import Follow
from apps.kwips.models import Kwip
from apps.messages import queries
from apps.messages.models import TEXT_LIMIT, Message
from apps.messages.tests.conftest import Send, texts

pytestmark = pytest.mark.django_db

SECRET = "canary7392"


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_visitors_are_led_to_the_door_and_a_text_that_was_sent_comes_back(ann: User) -> None:
    for path in ("/messages/", "/messages/ann/", "/settings/messages/"):
        assert Client().get(path)["Location"].startswith("/accounts/login/")
    answer = Client().post("/messages/ann/", {"text": SECRET})
    assert answer.status_code == 403
    assert SECRET in answer.content.decode()


def test_no_one_else_sees_a_message_anywhere(ann: User, fan: User, send: Send) -> None:
    eve = User.objects.create_user("eve", "eve@example.org")
    Follow.objects.create(follower=eve, followee=ann)
    send(ann, fan, SECRET)
    pk = Message.objects.get(owner=ann).pk
    eves = client_of(eve)
    paths = ["/", "/everyone/", "/ann/", "/bob/", "/messages/", "/messages/ann/", "/messages/bob/"]
    for client in (eves, Client()):
        for path in [*paths, "/ann/comments/", "/everyone/feed.atom", "/ann/feed.atom", "/notifications/"]:
            assert SECRET not in client.get(path).content.decode()
    for name in ("ann", "bob"):
        for message in Message.objects.all():
            assert eves.get(f"/messages/{name}/{message.pk}/").status_code == 404
            assert eves.post(f"/messages/{name}/{message.pk}/report/").status_code == 404
            eves.post(f"/messages/{name}/{message.pk}/")
        eves.post(f"/messages/{name}/delete/", {"newest": 2**60})
    assert Message.objects.count() == 2
    assert not Kwip.objects.exists(), "no timeline could show it"
    assert SECRET in page_of(client_of(ann), f"/messages/bob/{pk}/")


@pytest.mark.parametrize("text", ["", " \n ", "x" * (TEXT_LIMIT + 1), "a\x00b"])
def test_what_cannot_be_sent_comes_back_with_the_reason(ann: User, fan: User, text: str) -> None:
    answer = client_of(ann).post("/messages/bob/", {"text": text})
    assert answer.status_code == 422
    assert answer.context["form"].errors
    assert text.strip("\x00 \n") in answer.content.decode()
    assert not Message.objects.exists()


def test_the_longest_message_is_sent_whole(ann: User, fan: User) -> None:
    client_of(ann).post("/messages/bob/", {"text": "é" * TEXT_LIMIT})
    assert texts(fan, ann) == ["é" * TEXT_LIMIT]


def test_both_lists_page_newest_first(ann: User, fan: User, send: Send) -> None:
    for n in range(queries.PAGE_SIZE + 5):
        send(ann, fan, f"number {n}.")
        person = User.objects.create_user(f"fan{n}", f"fan{n}@example.org")
        Follow.objects.create(follower=person, followee=ann)
        send(ann, person)
    client = client_of(ann)
    for path, words in (("/messages/bob/", "number {}."), ("/messages/", "@fan{}<")):
        first = client.get(path)
        page = first.content.decode()
        assert page.index(words.format(24)) < page.index(words.format(6))
        assert words.format(4) not in page
        older = page_of(client, path + first.context["page"].older)
        assert words.format(0) in older
        assert words.format(24) not in older
    assert client.get("/messages/bob/?before=x").status_code == 404


def test_a_long_page_is_short(ann: User, fan: User, send: Send) -> None:
    for _ in range(8):
        send(ann, fan, "x" * TEXT_LIMIT)
    assert len(queries.messages(fan, ann, {}).items) == queries.PAGE_CHARACTERS // TEXT_LIMIT


def test_a_page_of_messages_costs_the_same_however_many_there_are(ann: User, fan: User, send: Send) -> None:
    client = client_of(ann)

    def cost(path: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(path)
        return len(captured)

    send(ann, fan)
    paths = ("/messages/", "/messages/bob/")
    for path in paths:
        client.get(path)
    few = [cost(path) for path in paths]
    for _ in range(30):
        send(ann, fan)
    assert [cost(path) for path in paths] == few


def test_names_that_changed_lead_on(ann: User, fan: User, send: Send) -> None:
    send(ann, fan)
    names.rename(user_id=fan.pk, username="robert")
    client = client_of(ann)
    assert client.get("/messages/bob/")["Location"] == "/messages/robert/"
    assert client.post("/messages/bob/", {"text": "still you?"})["Location"] == "/messages/robert/"
    assert len(texts(fan, ann)) == 2
    assert "@robert" in page_of(client, "/messages/")


def test_what_is_typed_is_shown_as_text(ann: User, fan: User, send: Send) -> None:
    send(ann, fan, "<script>alert(1)</script> https://example.org/ #tea @ann")
    for path in ("/messages/ann/", "/messages/"):
        assert "<script>alert" not in page_of(client_of(fan), path)
    page = page_of(client_of(fan), "/messages/ann/")
    assert 'href="https://example.org/"' in page


def test_settings_are_kept(ann: User) -> None:
    client = client_of(ann)
    assert page_of(client, "/settings/messages/").count("checked") == 2
    client.post("/settings/messages/", {"takes_buzzes": "on"})
    page = page_of(client, "/settings/messages/")
    assert page.count("checked") == 1
    assert "/settings/messages/" in page_of(client, "/settings/privacy/")


def test_a_text_is_in_no_log_no_command_no_cache_and_no_notice(
    ann: User,
    fan: User,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    memcached: str,
    settings,
) -> None:
    settings.SLOW_STATEMENT_MS = 0
    caplog.set_level(logging.DEBUG)
    client = client_of(ann)
    client.raise_request_exception = False
    stored: list[object] = []
    cache: Any = caches["lookaside"]
    fill = type(cache).get_or_compute

    def watched(self: object, *args: object, **options: object) -> object:
        value = fill(self, *args, **options)
        stored.append(value)
        return value

    monkeypatch.setattr(type(cache), "get_or_compute", watched)
    client.post("/messages/bob/", {"text": SECRET, "form_key": str(uuid.uuid4())})
    client.post("/messages/bob/", {"text": SECRET * TEXT_LIMIT})
    monkeypatch.setattr("apps.messages.actions.MOST", "not a number")
    eve = User.objects.create_user("eve", "eve@example.org")
    Follow.objects.create(follower=eve, followee=ann)
    assert client.post("/messages/eve/", {"text": SECRET}).status_code == 500
    for viewer in (client, client_of(fan)):
        for path in ("/messages/", "/notifications/", "/"):
            viewer.get(path)
    assert SECRET not in page_of(client_of(fan), "/notifications/")
    assert SECRET not in caplog.text
    assert SECRET not in repr(stored)
    assert not [row for row in map(repr, Command.objects.values_list()) if SECRET in row]
