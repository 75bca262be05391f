"""Signing up, in and out, passwords, addresses and profiles, through allauth as configured here."""

import re
from functools import partial

import pytest
from django.contrib.auth.hashers import make_password
from django.core import mail
from django.test import Client

from apps.accounts.models import SignUp, User
from tests.support.concurrency import at_once
from tests.support.people import minutes_later

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


def link_in(message: mail.EmailMessage) -> str:
    """The path of the first link in a mail."""
    found = re.search(r"https?://[^/\s]+(/\S+)", str(message.body))
    assert found, message.body
    return found[1]


def sign_up(client: Client, username: str = "ann", email: str = "ann@example.org"):
    form = {"username": username, "email": email, "password1": PASSWORD, "password2": PASSWORD}
    return client.post("/accounts/signup/", form)


@pytest.fixture
def ann(client: Client) -> User:
    sign_up(client)
    client.get(link_in(mail.outbox[-1]))
    client.post("/accounts/logout/")
    return User.objects.get(username="ann")


def sign_in(client: Client, login: str = "ann", password: str = PASSWORD):
    return client.post("/accounts/login/", {"login": login, "password": password})


def is_member(client: Client) -> bool:
    return client.get("/settings/").status_code == 200


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("abc12", "a little longer, please"),
        ("iloveyou123", "too many people have that one"),
        ("ann.writes.tea", "too much like your"),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused(client: Client, password: str, said: str) -> None:
    form = {"username": "ann", "email": "ann.writes.tea@example.org"}
    answer = client.post("/accounts/signup/", form | {"password1": password, "password2": password})
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not User.objects.exists()


@pytest.mark.asvs("11.4.2")
def test_a_new_password_is_hashed_by_argon2(ann: User) -> None:
    assert make_password(PASSWORD).startswith("argon2$")
    assert ann.password.startswith("argon2$")


def test_a_changed_password_mails_its_owner(client: Client, ann: User) -> None:
    sign_in(client)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    mail.outbox.clear()
    new = {"password1": "another horse battery", "password2": "another horse battery"}
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD} | new)
    assert [message.to for message in mail.outbox] == [["ann@example.org"]]
    assert "password" in str(mail.outbox[0].subject)


def test_signing_up_signs_in_only_after_the_address_is_confirmed(client: Client) -> None:
    sign_up(client)
    assert not is_member(client)
    sign_in(client)
    assert not is_member(client)
    client.get(link_in(mail.outbox[-1]))
    assert is_member(client)


def test_a_user_name_is_stored_in_lower_case(client: Client) -> None:
    sign_up(client, username=" Ann ")
    client.get(link_in(mail.outbox[-1]))
    assert User.objects.get().username == "ann"


@pytest.mark.parametrize("login", ["ann", "ANN", "ann@example.org", "Ann@Example.ORG"])
def test_a_user_signs_in_by_name_or_address_in_any_case(client: Client, ann: User, login: str) -> None:
    sign_in(client, login)
    assert is_member(client)


@pytest.mark.asvs("7.2.4")
def test_signing_in_gives_the_session_another_key(client: Client, ann: User) -> None:
    client.get("/accounts/login/")
    session = client.session
    session["canary"] = 1
    session.save()
    before = session.session_key
    sign_in(client)
    assert client.session.session_key != before


@pytest.mark.asvs("6.4.3", "7.4.3")
def test_a_forgotten_password_is_reset_by_mail_and_ends_other_sessions(client: Client, ann: User) -> None:
    elsewhere = Client()
    sign_in(elsewhere)
    assert is_member(elsewhere)
    client.post("/accounts/password/reset/", {"email": "ann@example.org"})
    page = client.get(link_in(mail.outbox[-1]), follow=True)
    path = page.redirect_chain[-1][0]
    client.post(path, {"password1": "another horse battery", "password2": "another horse battery"})
    assert not is_member(elsewhere)
    sign_in(client, password="another horse battery")
    assert is_member(client)


def test_a_reset_for_an_unknown_address_looks_the_same_and_sends_no_link(client: Client, ann: User) -> None:
    known = client.post("/accounts/password/reset/", {"email": "ann@example.org"}, follow=True)
    unknown = client.post("/accounts/password/reset/", {"email": "eve@example.org"}, follow=True)
    assert known.status_code == unknown.status_code
    assert known.redirect_chain == unknown.redirect_chain
    assert "password/reset/key" not in str(mail.outbox[-1].body)


def test_signing_up_with_an_address_in_use_looks_like_any_sign_up(client: Client, ann: User) -> None:
    fresh = sign_up(Client(), username="eve", email="eve@example.org")
    taken = sign_up(Client(), username="bob", email="ann@example.org")
    assert (fresh.status_code, fresh["Location"]) == (taken.status_code, taken["Location"])
    assert not User.objects.filter(username="bob").exists()


def test_a_changed_address_counts_once_it_is_confirmed(client: Client, ann: User) -> None:
    sign_in(client)
    form = {"email": "new@example.org", "action_add": ""}
    with minutes_later(16):
        assert client.post("/accounts/email/", form).status_code == 403, "the password is asked for once more"
        client.post("/accounts/email/", form | {"again-password": PASSWORD})
    ann.refresh_from_db()
    assert ann.email == "ann@example.org"
    [message] = [m for m in mail.outbox if m.to == ["new@example.org"]]
    client.post(link_in(message))
    ann.refresh_from_db()
    assert ann.email == "new@example.org"


@pytest.mark.asvs("7.4.3")
def test_signing_out_everywhere_else_ends_the_other_sessions(client: Client, ann: User) -> None:
    elsewhere = Client()
    sign_in(elsewhere)
    sign_in(client)
    assert client.get("/accounts/sessions/").status_code == 200
    client.post("/accounts/sessions/")
    assert is_member(client)
    assert not is_member(elsewhere)


@pytest.mark.parametrize(
    ("address", "email"),
    [
        ("/accounts/signup/", "eve@example.org"),
        ("/accounts/signup/", "ann@example.org"),
        ("/accounts/password/reset/", "eve@example.org"),
        ("/accounts/password/reset/", "ann@example.org"),
        ("/accounts/email/", "new@example.org"),
    ],
)
def test_links_in_mails_use_site_url_whatever_host_was_requested(
    client: Client, ann: User, settings, address: str, email: str
) -> None:
    sign_in(client)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    settings.SITE_URL = "https://kwippy.example"
    settings.ALLOWED_HOSTS = ["localhost"]
    visitor = client if address == "/accounts/email/" else Client()
    form = {"username": "eve", "email": email, "password1": PASSWORD, "password2": PASSWORD, "action_add": ""}
    before = len(mail.outbox)
    visitor.post(address, form, headers={"host": "localhost:666"})
    [message] = mail.outbox[before:]
    text = str(message.body) + str(getattr(message, "alternatives", ""))
    assert "https://kwippy.example/accounts/" in text
    assert "localhost" not in text


def test_too_many_wrong_passwords_are_refused_for_a_while(client: Client, ann: User) -> None:
    pages = [sign_in(client, password=f"wrong {n}").content.decode().lower() for n in range(7)]
    assert "too many" not in pages[0]
    assert "too many" in pages[-1]


@pytest.mark.parametrize(
    "address",
    [
        "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/",
        "/accounts/password/reset/done/",
        "/accounts/confirm-email/", "/accounts/inactive/", "/accounts/confirm-email/nonsense/",
        "/accounts/password/reset/key/0-nonsense/",
    ],
)  # fmt: skip
def test_every_page_for_anonymous_visitors_uses_the_sites_templates(client: Client, address: str) -> None:
    html = client.get(address, follow=True).content.decode()
    assert '<a class="skip" href="#main">' in html
    assert "<style" not in html
    assert "style=" not in html


@pytest.mark.parametrize(
    "address",
    [
        "/settings/", "/accounts/email/", "/accounts/password/change/", "/accounts/logout/",
        "/accounts/sessions/", "/accounts/reauthenticate/",
    ],
)  # fmt: skip
def test_every_page_for_members_uses_the_sites_templates(client: Client, ann: User, address: str) -> None:
    sign_in(client)
    answer = client.get(address, follow=True)
    assert answer.status_code == 200
    html = answer.content.decode()
    assert '<a class="skip" href="#main">' in html
    assert "<style" not in html
    assert "style=" not in html
    assert answer["Cache-Control"] == "private, no-store"


def test_the_profile_shows_the_input_without_unprintable_characters(client: Client, ann: User) -> None:
    sign_in(client)
    client.post(
        "/settings/", {"display_name": " Ann\u202e  of\u200b Tea ", "bio": "a\r\n\r\n\r\n\r\nb\u2066"}
    )
    ann.refresh_from_db()
    assert (ann.display_name, ann.bio) == ("Ann of Tea", "a\n\nb")
    assert ann.version == 2
    client.post("/settings/", {"display_name": "Ann of Tea", "bio": "other"})
    ann.refresh_from_db()
    assert ann.version == 2, "cards do not show the bio"


@pytest.mark.parametrize("field", ["display_name", "bio"])
@pytest.mark.parametrize("text", ["x" * 501, "a\x00b"])
def test_an_invalid_profile_shows_the_error_beside_the_field(
    client: Client, ann: User, field: str, text: str
) -> None:
    sign_in(client)
    answer = client.post("/settings/", {"display_name": "ann", "bio": "tea", field: text})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("email", ["ann@example.org", "Ann@Example.org", "other@example.org"])
def test_two_sign_ups_at_once_are_one_person_and_no_error(email: str) -> None:
    at_once([partial(sign_up, Client()), partial(sign_up, Client(), email=email)] * 4, threads=8)
    assert SignUp.objects.count() == 1
    assert not User.objects.exists()


def test_an_invisible_display_name_is_stored_as_empty(client: Client, ann: User) -> None:
    sign_in(client)
    client.post("/settings/", {"display_name": "\u200d\u3164\u2800", "bio": ""})
    ann.refresh_from_db()
    assert ann.name == "ann"


def test_saving_a_user_does_not_write_counters(ann: User) -> None:
    loaded = User.objects.get(pk=ann.pk)
    User.objects.filter(pk=ann.pk).update(followers_count=7)
    loaded.set_password("another horse battery")
    loaded.save()
    ann.refresh_from_db()
    assert ann.followers_count == 7
    assert ann.check_password("another horse battery")
