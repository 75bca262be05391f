"""Response times do not reveal which accounts exist: each attempt hashes one password."""

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import MD5PasswordHasher, make_password
from django.test import Client

from apps.accounts import sign_ups
from apps.accounts.models import User
from apps.limits.models import RateLimitWindow
from tests.support.people import PASSWORD, member, sign_up

pytestmark = pytest.mark.django_db

STATES = ["known", "unknown", "inactive", "unconfirmed", "unconfirmed user", "unusable password"]


class CountingHasher(MD5PasswordHasher):
    algorithm = "counting"
    hashed = 0

    def encode(self, password: str, salt: str, *args: object) -> str:
        CountingHasher.hashed += 1
        return super().encode(password, salt)


@pytest.fixture(autouse=True)
def hashes(settings) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]


def make(state: str) -> None:
    """Creates a user or sign-up "target" in that state."""
    if state == "unconfirmed":
        sign_ups.create(username="target", email="target@example.org", password=make_password(PASSWORD))
    elif state != "unknown":
        user = member("target")
        if state == "inactive":
            User.objects.filter(pk=user.pk).update(is_active=False)
        elif state == "unconfirmed user":
            EmailAddress.objects.update(verified=False)
        elif state == "unusable password":
            user.set_unusable_password()
            user.save()


@pytest.mark.asvs("6.3.8")
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("login", ["target", "target@example.org"])
@pytest.mark.parametrize("password", [PASSWORD, "a wrong one"])
def test_a_sign_in_hashes_once(state: str, login: str, password: str) -> None:
    make(state)
    CountingHasher.hashed = 0
    Client().post("/accounts/login/", {"login": login, "password": password})
    assert CountingHasher.hashed == 1


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("login", ["target", "target@example.org"])
def test_a_wrong_password_updates_the_same_limits_for_every_login(state: str, login: str) -> None:
    """Each count is a transaction, whose time can be measured."""
    make(state)
    Client().post("/accounts/login/", {"login": login, "password": "a wrong one"})
    counted = sorted(RateLimitWindow.objects.values_list("scope", flat=True))
    assert counted == ["failed_sign_in", "failed_sign_in_anywhere", "failed_sign_in_network"]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(
    ("name", "email"), [("target", "new@example.org"), ("newcomer", "target@example.org")]
)
def test_a_sign_up_hashes_once(state: str, name: str, email: str) -> None:
    make(state)
    CountingHasher.hashed = 0
    sign_up(Client(), name, email)
    assert CountingHasher.hashed == 1
