"""Secrets at rest: encrypted by a key derived from SECRET_KEY, readable with a former one."""

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from apps.accounts.models import User
from apps.factors import sealing
from apps.factors.tests.steps import Clock, add_app, code_at, enter_code, enter_password, signed_in

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


@pytest.mark.asvs("11.2.2")
def test_after_a_change_of_the_key_the_former_one_reads_and_each_use_takes_the_new_one(
    ann: User, clock: Clock, settings
) -> None:
    secret, _codes = add_app(signed_in(ann))
    clock.pass_by(60)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = NEW
    browser = Client()
    enter_password(browser, ann)
    assert enter_code(browser, code_at(secret)) == "in"
    settings.SECRET_KEY_FALLBACKS = []
    assert sealing.unseal(Authenticator.objects.get(type="totp").data["secret"]) == secret


def test_a_secret_that_no_key_reads_is_a_wrong_code_and_no_error_of_the_site(
    ann: User, clock: Clock, settings
) -> None:
    secret, codes = add_app(signed_in(ann))
    clock.pass_by(60)
    settings.SECRET_KEY = NEW
    browser = Client()
    enter_password(browser, ann)
    assert [enter_code(browser, code) for code in (code_at(secret), codes[0])] == ["wrong"] * 2
