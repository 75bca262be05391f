"""Secrets at rest: encrypted by a key derived from SECRET_KEY, readable with a former one."""

import base64

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from apps.accounts.models import User
from apps.factors import sealing
from apps.factors.resealing import reseal_all
from apps.factors.tests.steps import (
    Clock,
    add_app,
    code_at,
    enter_code,
    enter_password,
    shown_codes,
    signed_in,
)
from tests.support.people import member

NEW = "another key of the site that is also long enough for all checks"


def test_a_sealed_text_is_read_by_the_same_key_alone(settings) -> None:
    sealed = sealing.seal("tea")
    assert "tea" not in sealed
    assert sealing.seal("tea") != sealed, "two that are alike do not show it"
    assert sealing.unseal(sealed) == "tea"
    settings.SECRET_KEY = NEW
    with pytest.raises(sealing.Unreadable):
        sealing.unseal(sealed)


@pytest.mark.parametrize("broken", ["", "tea", "gAAAAA", "é"])
def test_what_was_never_sealed_is_unreadable(broken: str) -> None:
    with pytest.raises(sealing.Unreadable):
        sealing.unseal(broken)


@pytest.mark.asvs("11.3.3")
def test_a_sealed_text_of_which_one_bit_was_changed_is_unreadable() -> None:
    sealed = base64.urlsafe_b64decode(sealing.seal("tea"))
    for number in range(8 * len(sealed)):
        changed = bytearray(sealed)
        changed[number // 8] ^= 1 << number % 8
        with pytest.raises(sealing.Unreadable):
            sealing.unseal(base64.urlsafe_b64encode(changed).decode())


@pytest.mark.asvs("11.2.2")
def test_after_a_change_of_the_key_all_is_encrypted_by_the_new_one(ann: User, clock: Clock, settings) -> None:
    secret, codes = add_app(signed_in(ann))
    assert reseal_all() == 0
    clock.pass_by(60)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = NEW
    browser = Client()
    enter_password(browser, ann)
    assert enter_code(browser, code_at(secret)) == "in"
    assert [reseal_all() for _ in range(2)] == [2, 0]
    settings.SECRET_KEY_FALLBACKS = []
    clock.pass_by(60)
    for code in (code_at(secret), codes[0]):
        browser = Client()
        enter_password(browser, ann)
        assert enter_code(browser, code) == "in"


def test_a_row_that_no_key_reads_does_not_stop_the_others(ann: User, clock: Clock, settings) -> None:
    add_app(signed_in(ann))
    add_app(signed_in(member("bob")))
    Authenticator.objects.filter(user=ann).update(data={"secret": "lost", "seed": "lost"})
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = NEW
    assert reseal_all() == 2


def test_a_secret_that_no_key_reads_is_a_wrong_code_and_recovery_codes_need_no_key(
    ann: User, clock: Clock, settings
) -> None:
    secret, codes = add_app(signed_in(ann))
    clock.pass_by(60)
    settings.SECRET_KEY = NEW
    browser = Client()
    enter_password(browser, ann)
    assert [enter_code(browser, code) for code in (code_at(secret), codes[0])] == ["wrong", "in"]
    assert shown_codes(browser) == [], "the page says that they were shown"
    assert browser.get("/accounts/2fa/codes/new/").status_code == 200
    assert browser.post("/accounts/2fa/codes/new/").status_code == 302
    assert len(shown_codes(browser)) == 10
