"""Recovery codes are stored as hashes of passwords, those of an earlier release too."""

from functools import partial

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth.hashers import identify_hasher
from django.test import Client

from apps.accounts import hashers
from apps.accounts.hashers import BoundedArgon2PasswordHasher
from apps.accounts.models import User
from apps.factors import recovery, sealing
from apps.factors.actions import use_code
from apps.factors.resealing import hash_former_codes
from apps.factors.tests.steps import Clock, add_app, enter_code, enter_password, shown_codes, signed_in
from tests.support.concurrency import at_once


def row() -> Authenticator:
    return Authenticator.objects.get(type=Authenticator.Type.RECOVERY_CODES)


@pytest.mark.asvs("6.5.2")
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
    recovery.make(user_id=ann.pk)
    first = row().data[recovery.HASHES][0]
    Authenticator.objects.all().delete()
    RecoveryCodes.activate(ann)
    recovery.make(user_id=ann.pk)
    second = row().data[recovery.HASHES][0]
    assert identify_hasher(first).decode(first)["salt"] != identify_hasher(second).decode(second)["salt"]


@pytest.mark.django_db(transaction=True)
def test_of_two_tabs_that_open_the_page_one_shows_codes(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedArgon2PasswordHasher, "memory_cost", 1024)  # else they wait for memory
    RecoveryCodes.activate(ann)
    made = at_once([partial(recovery.make, user_id=ann.pk)] * 3)
    assert sorted(len(codes) for codes in made) == [0, 0, 10]
    [codes] = [codes for codes in made if codes]
    assert use_code(user_id=ann.pk, code=codes[0])


def test_a_busy_moment_does_not_use_up_the_one_time(
    ann: User, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(ann)
    RecoveryCodes.activate(ann)
    with monkeypatch.context() as busy, hashers._memory.reserve(hashers.AT_ONCE * hashers.MEMORY_KIB):
        busy.setattr(hashers, "WAIT_SECONDS", 0.01)
        assert client.get("/accounts/2fa/codes/").status_code == 503
    codes = shown_codes(client)
    assert len(codes) == 10
    assert use_code(user_id=ann.pk, code=codes[0])


def test_without_a_row_no_codes_are_made(ann: User) -> None:
    assert recovery.make(user_id=ann.pk) == []


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


@pytest.mark.asvs("6.5.2")
def test_codes_of_an_earlier_release_are_hashed_and_go_on(ann: User, clock: Clock) -> None:
    TOTP.activate(ann, generate_totp_secret())
    made = RecoveryCodes.activate(ann)
    codes = made.get_unused_codes()
    assert hash_former_codes() == 0, "nobody has seen them"
    made.mark_as_viewed()
    assert use_code(user_id=ann.pk, code=codes[0])
    assert [hash_former_codes() for _ in range(2)] == [1, 0]
    assert set(codes).isdisjoint(RecoveryCodes(row()).generate_codes())
    for code, result in ((codes[0], "wrong"), (codes[1], "in"), (codes[1], "wrong")):
        browser = Client()
        enter_password(browser, ann)
        assert enter_code(browser, code) == result
    assert row().data["used_mask"] == 0b11


def test_former_codes_that_no_key_reads_do_not_stop_the_others(ann: User, clock: Clock) -> None:
    RecoveryCodes.activate(ann).mark_as_viewed()
    lost = row()
    Authenticator.objects.filter(pk=lost.pk).update(data=lost.data | {"seed": "lost"})
    assert hash_former_codes() == 0
    with pytest.raises(sealing.Unreadable):
        recovery.hash_former(row())
