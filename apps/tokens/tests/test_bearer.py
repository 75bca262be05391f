"""Who a request of the API is: the token alone says it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts import actions as accounts
from apps.accounts.models import User
from apps.kwips.models import Kwip
from apps.tokens import actions, secret
from apps.tokens.models import Token
from apps.tokens.tests.conftest import Program, token_of
from tests.support.people import PASSWORD, member


@pytest.mark.asvs("11.5.1")
def test_the_database_has_no_secret_and_no_two_are_alike(ann: User) -> None:
    made = {token_of(ann) for _ in range(5)}
    assert len(made) == 5
    for one in made:
        assert len(one) == len("kwippy_") + 43
        assert not [row for row in Token.objects.values() if one in str(row) or one[7:] in str(row)]
    assert {len(token.digest) for token in Token.objects.all()} == {64}


def test_the_same_form_of_another_person_is_another_secret() -> None:
    key = secret.new_key()
    assert secret.of_form(1, key) == secret.of_form(1, key) != secret.of_form(2, key)


@pytest.mark.parametrize(
    ("authorization", "challenge"),
    [
        (None, "Bearer"),
        ("", "Bearer"),
        ("Basic YW5uOnRlYQ==", "Bearer"),
        ("kwippy_", "Bearer"),
        ("Bearer", 'Bearer error="invalid_token"'),
        ("Bearer ", 'Bearer error="invalid_token"'),
        ("Bearer x", 'Bearer error="invalid_token"'),
        ("Bearer " + "x" * 5_000, 'Bearer error="invalid_token"'),
        ("Bearer kwippy_" + "A" * 43, 'Bearer error="invalid_token"'),
        ("Bearer kwippy_" + "A" * 42 + "é", 'Bearer error="invalid_token"'),
    ],
)
def test_without_a_token_that_is_one_nothing_is_done(
    ann: User, authorization: str | None, challenge: str
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    for answer in (
        Client().post("/api/kwips/", {"text": "x"}, "application/json", headers=headers),
        Client().get("/api/network/", headers=headers),
    ):
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, challenge)
        assert answer["Cache-Control"] == "private, no-store"
        assert answer.json()["error"]
    assert not Kwip.objects.exists()


def test_the_scheme_is_written_in_any_case_and_the_digest_is_no_secret(ann: User, program: Program) -> None:
    for scheme in ("bearer", "BEARER", "Bearer "):
        answer = Client().get("/api/network/", headers={"Authorization": f"{scheme} {program.secret}"})
        assert answer.status_code == 200, scheme
    assert Program(Token.objects.get().digest).get().status_code == 401
    assert Program(f"kwippy_{Token.objects.get().digest[:43]}").get().status_code == 401


def test_a_session_counts_for_nothing_and_is_not_read(
    ann: User, program: Program, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    browser = Client()
    browser.force_login(ann)
    with django_assert_max_num_queries(0):
        refused = browser.post("/api/kwips/", {"text": "x"}, content_type="application/json")
    assert refused.status_code == 401
    assert browser.get("/api/network/").status_code == 401
    # A token of someone else in the browser of a member.
    bob = Program(token_of(member("bob")))
    made = browser.post("/api/kwips/", {"text": "x"}, content_type="application/json", headers=bob.headers)
    assert (made.status_code, Kwip.objects.get().author.username) == (201, "bob")
    for answer in (refused, made):
        assert not answer.cookies
        assert answer["Vary"] == "Authorization"


@pytest.mark.asvs("14.2.1")
def test_a_token_in_the_address_or_in_the_body_is_none(ann: User, program: Program) -> None:
    assert Client().get(f"/api/network/?access_token={program.secret}").status_code == 401
    body = {"text": "x", "access_token": program.secret}
    assert Client().post("/api/kwips/", body, content_type="application/json").status_code == 401


def test_a_revoked_token_works_no_more_at_once(ann: User, program: Program) -> None:
    assert program.get().status_code == 200
    other = Program(token_of(ann))
    first = Token.objects.earliest("pk")
    actions.revoke(owner=member("bob"), token_id=first.pk)
    assert program.get().status_code == 200, "other people do not revoke it"
    actions.revoke(owner=ann, token_id=first.pk)
    actions.revoke(owner=ann, token_id=first.pk)
    assert (program.get().status_code, other.get().status_code) == (401, 200)
    actions.revoke_all(owner=ann)
    assert other.get().status_code == 401


def test_a_new_password_keeps_tokens(ann: User, program: Program) -> None:
    ann.set_password("another long password")
    ann.save()
    assert program.get().status_code == 200
    assert not Client().login(username="ann", password=PASSWORD)


def test_the_last_use_is_stored_at_most_once_an_hour(ann: User, program: Program) -> None:
    def last() -> Any:
        return Token.objects.get().last_used_at

    assert last() is None
    program.get()
    assert timezone.now() - last() < timedelta(minutes=5)
    for ago, moves in ((59, False), (61, True)):
        before = timezone.now() - timedelta(minutes=ago)
        Token.objects.update(last_used_at=before)
        program.get()
        assert (last() != before) is moves
    # Refused requests are no use.
    Token.objects.update(last_used_at=None, scopes=1)
    assert program.get().status_code == 403
    assert last() is None


def test_unknown_tokens_are_limited_by_network_and_keep_nobody_out(
    ann: User, program: Program, limited: Callable[..., None]
) -> None:
    limited(bad_token="2/1m")
    bad = Program("kwippy_" + "A" * 43)
    statuses = [bad.get().status_code for _ in range(3)]
    assert statuses == [401, 401, 429]
    assert int(bad.get()["Retry-After"]) > 0
    assert program.get().status_code == 200
    assert Client().get("/api/network/", headers=bad.headers, REMOTE_ADDR="203.0.113.9").status_code == 401


def test_errors_are_in_the_owners_language(ann: User, program: Program) -> None:
    accounts.choose_language(user=ann, language="de")
    assert "sag erst etwas" in program.post({"text": ""}).json()["error"]
