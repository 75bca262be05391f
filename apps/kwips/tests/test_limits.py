"""Rate limits of writing: the refused text is returned in the form."""

import uuid

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.kwips import actions
from apps.kwips.models import Kwip
from apps.limits.tests.clock import let_pass


@pytest.fixture(autouse=True)
def two(settings) -> None:
    settings.LIMITS = settings.LIMITS | {"publish": "2/10m", "comment": "2/10m"}


@pytest.fixture
def member(client: Client, ann: User) -> Client:
    client.force_login(ann)
    return client


def post(client: Client, address: str, text: str = "tea"):
    return client.post(address, {"text": text, "form_key": str(uuid.uuid4())})


@pytest.mark.parametrize("what", ["kwip", "comment"])
def test_too_much_comes_back_in_its_form_to_be_sent_later(
    member: Client, bob: User, publish, what: str
) -> None:
    thread = publish(bob, "let's talk")
    address = {"kwip": "/kwip/", "comment": f"/kwip/{thread.pk}/comment/"}[what]
    assert [post(member, address).status_code for _ in range(2)] == [302, 302]
    long = "my <whole> story\n\nand its end"
    answer = post(member, address, long)
    assert answer.status_code == 429
    assert 590 < int(answer["Retry-After"]) <= 600
    html = answer.content.decode()
    assert "my &lt;whole&gt; story\n\nand its end" in html
    assert "10 minutes" in html
    assert 'name="form_key"' in html
    assert Kwip.objects.count() == 3
    let_pass(601)
    assert post(member, address, long).status_code == 302


def test_what_is_wrong_with_a_text_does_not_count(member: Client) -> None:
    for _ in range(3):
        assert post(member, "/kwip/", " ").status_code == 422
    assert post(member, "/kwip/").status_code == 302


def test_an_edit_that_changes_nothing_does_not_count(member: Client, ann: User, publish, settings) -> None:
    settings.LIMITS = settings.LIMITS | {"edit": "1/10m"}
    kwip = publish(ann, "tea")
    address = f"/kwip/{kwip.pk}/edit/"
    vanished = {"text": "tea", "with_pictures": "on", "pictures": "0" * 32}
    assert member.post(address, vanished).status_code == 422
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(actions, "edit", raises_gone)
        assert post(member, address).status_code == 410
    assert [post(member, address).status_code for _ in range(2)] == [302, 302]
    assert post(member, address, "green tea").status_code == 302
    assert post(member, address, "black tea").status_code == 429


def raises_gone(**_: object) -> None:
    raise actions.Gone


def test_one_person_does_not_use_up_anothers(member: Client, bob: User) -> None:
    for _ in range(3):
        post(member, "/kwip/")
    other = Client()
    other.force_login(bob)
    assert post(other, "/kwip/").status_code == 302


@pytest.mark.django_db(transaction=True)
def test_a_kwip_that_failed_stays_counted(member: Client, monkeypatch) -> None:
    member.raise_request_exception = False

    def fail(**_: object) -> None:
        raise LookupError

    monkeypatch.setattr(actions, "publish", fail)
    assert [post(member, "/kwip/").status_code for _ in range(3)] == [500, 500, 429]
