"""Recovery codes are stored as hashes of passwords; those that an earlier release has shown stay its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth.hashers import identify_hasher
from django.core import mail
from django.db import connection
from django.test import Client

from apps.accounts import hashers
from apps.accounts.hashers import BoundedArgon2PasswordHasher
from apps.accounts.models import User
from apps.factors import recovery, resealing
from apps.factors.actions import use_code
from apps.factors.tests.steps import Clock, add_app, enter_code, enter_password, shown_codes, signed_in
from tests.support.concurrency import at_once


def row() -> Authenticator:
    return Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES)


@contextmanager
def no_memory_for_hashes() -> Iterator[None]:
    """Each hash waits, and is refused."""
    with (
        pytest.MonkeyPatch.context() as patch,
        hashers._memory.reserve(hashers.AT_ONCE * hashers.MEMORY_KIB),
    ):
        patch.setattr(hashers, "WAIT_SECONDS", 0.01)
        yield


@pytest.mark.usefixtures("hash_costs_of_site")
def test_the_codes_are_salted_hashes_and_follow_from_nothing_that_is_stored(ann: User, clock: Clock) -> None:
    _secret, codes = add_app(signed_in(ann))
    hashes = row().data[recovery.HASHES]
    assert len(set(hashes)) == 10
    for one in hashes:
        assert one.startswith("argon2$argon2id$v=19$m=47104,t=2,p=1$")
        assert len(identify_hasher(one).decode(one)["salt"]) >= 22
    shown = {code.replace(" ", "") for code in codes}
    assert shown.isdisjoint(RecoveryCodes(row()).generate_codes())
    assert not use_code(user_id=ann.pk, code=RecoveryCodes(row()).generate_codes()[0])
    assert use_code(user_id=ann.pk, code=codes[9])


def test_each_set_of_codes_has_its_own_salt(ann: User, clock: Clock) -> None:
    RecoveryCodes.activate(ann)
    recovery.show(user_id=ann.pk)
    first = row().data[recovery.HASHES][0]
    Authenticator.objects.all().delete()
    RecoveryCodes.activate(ann)
    recovery.show(user_id=ann.pk)
    second = row().data[recovery.HASHES][0]
    assert identify_hasher(first).decode(first)["salt"] != identify_hasher(second).decode(second)["salt"]


@pytest.mark.django_db(transaction=True)
def test_of_two_tabs_that_open_the_page_one_shows_codes_and_they_let_in(ann: User) -> None:
    tabs = [signed_in(ann) for _ in range(2)]
    RecoveryCodes.activate(ann)
    pages = at_once([partial(shown_codes, tab) for tab in tabs])
    assert sorted(len(codes) for codes in pages) == [0, 10]
    [codes] = [codes for codes in pages if codes]
    assert use_code(user_id=ann.pk, code=codes[0])


@pytest.mark.django_db(transaction=True)
def test_no_transaction_waits_for_ten_hashes(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = signed_in(ann)
    RecoveryCodes.activate(ann)
    inside: list[bool] = []
    encode = BoundedArgon2PasswordHasher.encode

    def watched(self: BoundedArgon2PasswordHasher, password: str, salt: str) -> str:
        inside.append(connection.in_atomic_block)
        return encode(self, password, salt)

    monkeypatch.setattr(BoundedArgon2PasswordHasher, "encode", watched)
    assert len(shown_codes(client)) == 10
    assert inside == [False] * 10


def test_a_busy_moment_does_not_use_up_the_one_time(ann: User, clock: Clock) -> None:
    client = signed_in(ann)
    RecoveryCodes.activate(ann)
    with no_memory_for_hashes():
        assert client.get("/accounts/2fa/codes/").status_code == 503
    codes = shown_codes(client)
    assert len(codes) == 10
    assert use_code(user_id=ann.pk, code=codes[0])


def test_in_a_busy_moment_no_guess_is_counted(ann: User, clock: Clock, settings) -> None:
    scopes = ("factor", "factor_anywhere", "factor_again")
    settings.LIMITS = settings.LIMITS | dict.fromkeys(scopes, "2/1d")
    client = signed_in(ann)
    _secret, codes = add_app(client)
    clock.pass_by(3600)
    browser = Client()
    enter_password(browser, ann)
    mail.outbox.clear()
    for one, step in ((browser, "authenticate"), (client, "reauthenticate")):
        sent = {"code": codes.pop()}
        with no_memory_for_hashes():
            busy = [one.post(f"/accounts/2fa/{step}/", sent).status_code for _ in range(3)]
        assert busy == [503] * 3, step
        assert one.post(f"/accounts/2fa/{step}/", sent).status_code == 302, step
    assert "somebody knows your password" not in [told.subject for told in mail.outbox]


def test_without_a_row_there_is_no_page_of_codes(ann: User) -> None:
    assert recovery.show(user_id=ann.pk) is None
    assert signed_in(ann).get("/accounts/2fa/codes/").status_code == 404


@pytest.mark.parametrize(("typed", "times"), [("000000", 0), ("00000000", 1), ("0000 0000", 1), ("0" * 9, 0)])
def test_a_try_costs_one_hash_at_most(
    typed: str, times: int, ann: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_app(signed_in(ann))
    hashed: list[str] = []
    encode = BoundedArgon2PasswordHasher.encode

    def counted(self: BoundedArgon2PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(BoundedArgon2PasswordHasher, "encode", counted)
    use_code(user_id=ann.pk, code=typed)
    assert len(hashed) == times


def test_hashes_with_other_parameters_are_still_verified(
    ann: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(ann)
    with monkeypatch.context() as earlier:
        earlier.setattr(BoundedArgon2PasswordHasher, "memory_cost", 1024)
        _secret, codes = add_app(client)
    assert row().data[recovery.HASHES][0].startswith("argon2$argon2id$v=19$m=1024,")
    assert not use_code(user_id=ann.pk, code="00000000")
    assert use_code(user_id=ann.pk, code=codes[4])
    assert not use_code(user_id=ann.pk, code=codes[4])


def test_codes_of_an_earlier_release_count_in_both_until_new_ones_are_made(
    ann: User, clock: Clock, settings
) -> None:
    TOTP.activate(ann, generate_totp_secret())
    made = RecoveryCodes.activate(ann)
    codes = made.get_unused_codes()
    made.mark_as_viewed()
    settings.SECRET_KEY_FALLBACKS = ["a former key of the site that is also long enough for all checks"]
    resealing.reseal_all()
    for code, result in ((codes[0], "in"), (codes[0], "wrong"), (codes[1], "in")):
        browser = Client()
        enter_password(browser, ann)
        assert enter_code(browser, code) == result
    assert shown_codes(browser) == [], "they were shown"
    assert RecoveryCodes(row()).validate_code(codes[2]), "as the release checks it that made them"
    assert not use_code(user_id=ann.pk, code=codes[2]), "used there, it is used here"
    assert browser.post("/accounts/2fa/codes/new/").status_code == 302
    [new, *_others] = shown_codes(browser)
    assert row().data[recovery.HASHES]
    assert not use_code(user_id=ann.pk, code=codes[3])
    assert use_code(user_id=ann.pk, code=new)
