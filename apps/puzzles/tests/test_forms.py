"""Signing up and writing to us while a puzzle is asked for. Nothing that was typed is lost."""

import re
from html import unescape
from unittest import mock

import pytest
from django.test import Client

from apps.accounts.models import SignUp
from apps.contact.models import Message
from apps.contact.tests.form_data import MESSAGE, filled
from apps.policy.models import SitePolicy
from apps.puzzles.puzzle import LIFETIME, WAIT_SECONDS, Puzzle
from apps.puzzles.tests.test_puzzles import aged
from tests.support.people import PASSWORD

pytestmark = pytest.mark.django_db
PERSON = {"username": "eve", "email": "eve@example.org", "password1": PASSWORD, "password2": PASSWORD}


@pytest.fixture(autouse=True)
def asked(db: None) -> None:
    SitePolicy(proof_of_work=True).save()


def solved(purpose: str) -> dict[str, str]:
    puzzle = Puzzle.new(purpose)
    return {"puzzle": puzzle.text, "solution": puzzle.solve()}


def waited(purpose: str, seconds: float = WAIT_SECONDS + 1) -> dict[str, str]:
    return {"puzzle": aged(seconds, purpose).text}


def shown(html: str) -> dict[str, str]:
    """The puzzle and the solution in the page's form."""
    inputs = re.findall(r'name="(puzzle|solution)"\s+value="([^"]*)"', unescape(html))
    return dict(inputs)


@pytest.mark.parametrize("how", [solved, waited], ids=["solved", "waited"])
def test_a_form_with_its_puzzle_is_taken(client: Client, how) -> None:
    assert client.post("/contact/", filled(**how("contact"))).status_code == 302
    assert client.post("/accounts/signup/", PERSON | how("sign-up")).status_code == 302
    assert (Message.objects.count(), SignUp.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({}, "open for long, or was sent before"),
        ({"puzzle": "x", "solution": "0.0.0.0.0.0.0.0"}, "open for long, or was sent before"),
        (lambda: waited("contact", 0), "give it 10 seconds"),
        (lambda: waited("contact", LIFETIME + 1), "open for long"),
        (lambda: waited("sign-up"), "open for long"),
        (lambda: solved("contact") | {"solution": "0.0.0.0.0.0.0.0"}, "open for long"),
    ],
    ids=["nothing", "made up", "too soon", "too late", "of another form", "wrong"],
)
def test_without_it_a_message_comes_back_with_all_that_was_typed(client: Client, sent, said: str) -> None:
    fields = sent() if callable(sent) else sent
    answer = client.post("/contact/", filled(**fields))
    html = unescape(answer.content.decode())
    assert answer.status_code == 422
    assert said in html
    for text in (MESSAGE["name"], MESSAGE["subject"], "where is the <pot>?"):
        assert text in html
    assert not Message.objects.exists()
    # What came back can be sent once more.
    again = shown(html)
    puzzle = Puzzle.read(again["puzzle"], "contact")
    assert puzzle
    assert client.post("/contact/", filled(puzzle=puzzle.text, solution=puzzle.solve())).status_code == 302


def test_no_password_is_hashed_without_it_and_what_was_typed_is_kept(client: Client) -> None:
    with mock.patch("apps.accounts.auth_forms.make_password") as hashed:
        for fields in ({}, waited("sign-up", 0), solved("contact")):
            answer = client.post("/accounts/signup/", PERSON | fields)
            assert 'value="eve@example.org"' in answer.content.decode()
    assert not hashed.called
    assert not SignUp.objects.exists()


def test_a_form_with_other_errors_keeps_its_puzzle_and_its_time(client: Client) -> None:
    fields, other = solved("contact"), waited("sign-up", 4)
    html = client.post("/contact/", filled(**fields, email="nowhere")).content.decode()
    assert shown(html) == fields
    html = client.post("/accounts/signup/", PERSON | other | {"password2": "another"}).content.decode()
    assert shown(html) == other | {"solution": ""}
    assert client.post("/contact/", filled(**fields)).status_code == 302


def test_a_form_that_came_too_soon_goes_on_waiting(client: Client) -> None:
    fields = waited("contact", 3)
    html = client.post("/contact/", filled(**fields)).content.decode()
    assert shown(html)["puzzle"] == fields["puzzle"]


def test_a_puzzle_that_was_taken_is_replaced(client: Client) -> None:
    fields = solved("sign-up")
    assert client.post("/accounts/signup/", PERSON | fields).status_code == 302
    other = PERSON | {"username": "fay", "email": "fay@example.org"}
    html = Client().post("/accounts/signup/", other | fields).content.decode()
    assert shown(html)["puzzle"] != fields["puzzle"]
    assert not SignUp.objects.filter(username="fay").exists()


def test_a_message_that_is_sent_twice_is_one(client: Client) -> None:
    form = filled(**solved("contact"))
    assert [client.post("/contact/", form).status_code for _ in range(5)] == [302] * 5
    assert Message.objects.count() == 1


def test_without_memcached_a_puzzle_is_asked_for_and_taken_once(client: Client, settings) -> None:
    down = {"BACKEND": "apps.lookaside.backends.MemcachedLookaside", "LOCATION": "127.0.0.1:1"}
    settings.CACHES = settings.CACHES | {"lookaside": down}
    fields = solved("contact")
    assert shown(client.get("/contact/").content.decode())
    assert client.post("/contact/", filled()).status_code == 422
    assert client.post("/contact/", filled(**fields)).status_code == 302
    assert client.post("/contact/", filled(**fields)).status_code == 422
    assert Message.objects.count() == 1
