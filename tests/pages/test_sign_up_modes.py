"""Who may sign up: each mode, each way in, and a mode that changes while a person is on the way."""

import pytest
from django.core import mail
from django.test import Client

from apps.accounts.models import Application, SignUp, User
from apps.limits.tests.clock import let_pass
from apps.policy.models import SignUpMode, SitePolicy
from tests.support.people import PASSWORD, link_to, sign_up, who_is_in

pytestmark = pytest.mark.django_db

OPEN, INVITATION, APPROVAL, CLOSED = SignUpMode.values


def set_mode(mode: str) -> None:
    SitePolicy(sign_up=mode).save()


@pytest.mark.parametrize(
    ("mode", "status", "words"),
    [
        (OPEN, 200, "join kwippy"),
        (INVITATION, 403, "it takes an invitation"),
        (APPROVAL, 200, "a few words about you"),
        (CLOSED, 403, "no new members just now"),
    ],
)
def test_the_sign_up_page_says_what_is_so(client: Client, mode: str, status: int, words: str) -> None:
    set_mode(mode)
    answer = client.get("/accounts/signup/")
    assert (answer.status_code, words in answer.content.decode()) == (status, True)


@pytest.mark.parametrize("mode", [INVITATION, CLOSED])
def test_a_form_of_an_open_time_is_refused_and_gives_back_its_words(client: Client, mode: str) -> None:
    set_mode(mode)
    form = {"username": "eve", "email": "eve@example.org", "password1": PASSWORD, "password2": PASSWORD}
    answer = client.post("/accounts/signup/", form | {"words": "i bake <bread>"})
    assert answer.status_code == 403
    assert "i bake &lt;bread&gt;" in answer.content.decode()
    assert PASSWORD not in answer.content.decode()
    assert not SignUp.objects.exists()
    assert mail.outbox == []


@pytest.mark.parametrize("mode", [INVITATION, CLOSED])
def test_a_link_that_was_mailed_before_lets_no_one_in_until_sign_up_opens_again(
    client: Client, mode: str
) -> None:
    sign_up(client, "eve", "eve@example.org")
    set_mode(mode)
    link, phone = link_to("eve@example.org"), Client()
    assert client.get(link).status_code == 403
    assert phone.post(link, {"password": PASSWORD}).status_code == 403
    assert client.get("/accounts/confirm-email/").status_code == 403
    let_pass(61)
    client.post("/accounts/confirm-email/again/")
    assert client.post("/accounts/confirm-email/change/", {"email": "e@example.org"}).status_code == 403
    Client().post("/accounts/login/", {"login": "eve", "password": PASSWORD})
    assert len(mail.outbox) == 1, "no way sends another link"
    assert not User.objects.exists()
    set_mode(OPEN)
    client.get(link)
    assert who_is_in(client) == "eve"


def test_a_link_that_was_mailed_while_sign_up_was_open_waits_for_approval_after_the_change(
    client: Client,
) -> None:
    sign_up(client, "eve", "eve@example.org")
    set_mode(APPROVAL)
    assert "now it's our turn" in client.get(link_to("eve@example.org"), follow=True).content.decode()
    assert Application.objects.get().username == "eve"
    assert not User.objects.exists()


def test_an_applicant_who_confirms_after_sign_up_opened_is_in_at_once(client: Client) -> None:
    set_mode(APPROVAL)
    form = {"username": "eve", "email": "eve@example.org", "password1": PASSWORD, "password2": PASSWORD}
    client.post("/accounts/signup/", form | {"words": "bread"})
    set_mode(OPEN)
    client.get(link_to("eve@example.org"))
    assert who_is_in(client) == "eve"


def test_members_sign_in_in_every_mode(client: Client) -> None:
    sign_up(client, "eve", "eve@example.org")
    client.get(link_to("eve@example.org"))
    for mode in SignUpMode.values:
        set_mode(mode)
        phone = Client()
        phone.post("/accounts/login/", {"login": "eve", "password": PASSWORD})
        assert who_is_in(phone) == "eve"
