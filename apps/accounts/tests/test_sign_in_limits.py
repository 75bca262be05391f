"""Limits on failed sign-ins: they slow an attacker down, and do not lock the owner out."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from apps.accounts.models import User
from apps.limits.tests.clock import let_pass
from tests.support.concurrency import at_once

PASSWORD = "correct horse battery"
ATTACKER, HOME = "203.0.113.9", "198.51.100.7"


@pytest.fixture
def ann(db: None) -> User:
    user = User.objects.create_user("ann", "ann@example.org", PASSWORD)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def sign_in(address: str, password: str = PASSWORD, login: str = "ann", **headers: str) -> str:
    """The result: "in", "wrong" or "too many"."""
    client = Client(REMOTE_ADDR=address, headers=headers)
    answer = client.post("/accounts/login/", {"login": login, "password": password})
    if answer.status_code == 302:
        return "in"
    if answer.status_code == 429 or "too many wrong passwords" in answer.content.decode():
        return "too many"
    assert "go together" in answer.content.decode()
    return "wrong"


@pytest.mark.asvs("6.3.1")
def test_a_victim_signs_in_from_elsewhere_while_an_attacker_hammers(ann: User) -> None:
    outcomes = [sign_in(ATTACKER, f"guess {n}") for n in range(8)]
    assert outcomes == ["wrong"] * 5 + ["too many"] * 3
    assert sign_in(ATTACKER) == "too many", "the response must not reveal that the password is right"
    assert sign_in(HOME) == "in"
    assert sign_in(ATTACKER, "guess 9") == "too many", "and her success gives the attacker nothing"
    let_pass(301)
    assert sign_in(ATTACKER, "guess 10") == "wrong"


def test_another_header_or_another_host_of_the_64_counts_as_the_same_client(ann: User) -> None:
    for n in range(5):
        assert sign_in(f"2001:db8::{n}", "guess", x_forwarded_for=f"8.8.8.{n}") == "wrong"
    assert sign_in("2001:db8::9", "guess") == "too many"
    assert sign_in("2001:db8::9", "guess", x_forwarded_for="9.9.9.9", forwarded="for=9.9.9.9") == "too many"
    assert sign_in("2001:db8:0:1::1", "guess") == "wrong"


@pytest.mark.parametrize("spelling", ["ANN", "Ann", "ann ", "ａｎｎ"])
def test_another_spelling_of_the_name_counts_as_the_same_account(ann: User, spelling: str) -> None:
    for _ in range(5):
        sign_in(ATTACKER, "guess")
    assert sign_in(ATTACKER, "guess", login=spelling) == "too many"


def test_right_passwords_are_not_counted(ann: User) -> None:
    assert [sign_in(HOME) for _ in range(12)] == ["in"] * 12
    for _ in range(4):
        sign_in(HOME, "oops")
    assert [sign_in(HOME) for _ in range(3)] == ["in"] * 3
    assert sign_in(HOME, "oops") == "wrong"
    assert sign_in(HOME) == "too many"


def test_guesses_at_many_accounts_from_one_network_are_limited(ann: User) -> None:
    outcomes = [sign_in(ATTACKER, "guess", login=f"person{n}") for n in range(12)]
    assert outcomes == ["wrong"] * 10 + ["too many"] * 2
    # Attempts refused by the network's limit do not count against the account.
    let_pass(61)
    assert [sign_in(ATTACKER, "guess", login="person11") for _ in range(5)] == ["wrong"] * 5


def test_a_new_password_resets_the_sign_in_limits(ann: User) -> None:
    for _ in range(6):
        sign_in(HOME, "forgotten")
    client = Client(REMOTE_ADDR=HOME)
    client.post("/accounts/password/reset/", {"email": "ann@example.org"})
    link = re.search(r"https?://[^/\s]+(/\S+)", str(mail.outbox[-1].body))
    assert link
    path = client.get(link[1], follow=True).redirect_chain[-1][0]
    client.post(path, {"password1": "another horse battery", "password2": "another horse battery"})
    assert sign_in(HOME, "another horse battery") == "in"


def test_the_admin_uses_the_sites_sign_in_page(ann: User) -> None:
    User.objects.filter(pk=ann.pk).update(is_staff=True, is_superuser=True)
    client = Client(REMOTE_ADDR=HOME)
    form = {"username": "ann", "password": PASSWORD, "login": "ann"}
    refused = client.post("/admin/login/?next=/admin/", form)
    assert refused["Location"].startswith("/accounts/login/?next=")
    assert client.get("/admin/").status_code == 302
    client.post(refused["Location"], form)
    assert client.get("/admin/").status_code == 200


@pytest.mark.asvs("6.3.1")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("memcached", ["up", "down"])
def test_of_fifty_concurrent_guesses_five_are_checked(ann: User, settings, memcached: str) -> None:
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"login": "100/m/ip"}
    if memcached == "down":
        settings.CACHES = settings.CACHES | {
            "lookaside": settings.CACHES["lookaside"] | {"LOCATION": "127.0.0.1:1"}
        }
    outcomes = at_once([lambda: sign_in(ATTACKER, "guess")] * 50, threads=16)
    assert outcomes.count("wrong") == 5
    assert outcomes.count("too many") == 45
    assert sign_in(HOME) == "in"


@pytest.mark.parametrize(
    ("address", "form"),
    [
        ("/accounts/login/", {"login": "ann", "password": "guess"}),
        ("/accounts/signup/", {"username": "a", "email": "a"}),
        ("/accounts/password/reset/", {"email": "eve@example.org"}),
    ],
)
@pytest.mark.django_db
def test_an_exceeded_limit_is_a_429_with_retry_after(address: str, form: dict[str, str]) -> None:
    client = Client(REMOTE_ADDR=ATTACKER)
    answer = next(a for _ in range(40) if (a := client.post(address, form)).status_code == 429)
    assert int(answer["Retry-After"]) > 0
    assert "easy now" in answer.content.decode()
    assert Client(REMOTE_ADDR=HOME).post(address, form | {"email": "bob@example.org"}).status_code != 429


@pytest.mark.asvs("6.6.3")
def test_an_address_gets_five_reset_links_in_half_an_hour(ann: User) -> None:
    def ask(network: int) -> None:
        # From another network each time: the limit is per address.
        client = Client(REMOTE_ADDR=f"198.51.100.{network}")
        client.post("/accounts/password/reset/", {"email": "ann@example.org"})

    for network in range(7):
        ask(network)
    assert [message.to for message in mail.outbox] == [["ann@example.org"]] * 5


@pytest.mark.django_db
def test_repeated_requests_for_a_confirmation_send_one_mail_per_minute(client: Client) -> None:
    form = {"username": "eve", "email": "eve@example.org", "password1": PASSWORD, "password2": PASSWORD}
    client.post("/accounts/signup/", form)
    for _ in range(4):
        assert Client().post("/accounts/login/", {"login": "eve", "password": PASSWORD}).status_code == 302
    assert [message.to for message in mail.outbox] == [["eve@example.org"]]
    let_pass(61)
    Client().post("/accounts/login/", {"login": "eve", "password": PASSWORD})
    assert [message.to for message in mail.outbox] == [["eve@example.org"]] * 2
