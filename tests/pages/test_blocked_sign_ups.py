"""Sign-up from blocked e-mail domains and networks, and changes of an address to one."""

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from apps.accounts import auth_forms
from apps.accounts.models import SignUp, User
from apps.policy.models import BlockedDomain, BlockedNetwork
from tests.support.people import PASSWORD, sign_up

pytestmark = pytest.mark.django_db

FORM = {"username": "eve", "password1": PASSWORD, "password2": PASSWORD}


@pytest.fixture
def blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    BlockedDomain(value="spam.example").save()

    def hashing(password: str) -> str:
        raise AssertionError("hashed")

    monkeypatch.setattr(auth_forms, "make_password", hashing)


@pytest.fixture
def ann(db: None) -> User:
    """A member since before the domain was blocked."""
    ann = User.objects.create_user("ann", "ann@spam.example", PASSWORD)
    EmailAddress.objects.create(user=ann, email=ann.email, verified=True, primary=True)
    return ann


def test_a_blocked_domain_is_refused_before_hashing_with_the_form_kept(
    client: Client, ann: User, blocked: None
) -> None:
    pages = [
        client.post("/accounts/signup/", FORM | {"email": email}).content.decode()
        for email in ("ann@spam.example", "eve@mail.spam.example")
    ]
    for page in pages:
        assert "addresses of that mail service" in page
        assert 'value="eve"' in page
    assert not SignUp.objects.exists()
    assert not mail.outbox, "whether the address has an account or not"


def test_a_blocked_network_is_refused_before_hashing(client: Client, blocked: None) -> None:
    BlockedNetwork(value="127.0.0.0/8").save()
    page = client.post("/accounts/signup/", FORM | {"email": "eve@example.org"}).content.decode()
    assert "new people from where you are" in page
    assert not SignUp.objects.exists()


def test_a_sign_ups_address_is_not_changed_to_a_blocked_one(client: Client) -> None:
    sign_up(client, "eve", "eve@example.org")
    BlockedDomain(value="spam.example").save()
    answer = client.post("/accounts/confirm-email/change/", {"email": "eve@spam.example"})
    assert answer.status_code == 422
    assert "addresses of that mail service" in answer.content.decode()
    assert SignUp.objects.get().email == "eve@example.org"
    BlockedNetwork(value="127.0.0.1/32").save()
    answer = client.post("/accounts/confirm-email/change/", {"email": "eve@example.com"})
    assert "new people from where you are" in answer.content.decode()


def test_a_members_address_is_not_changed_to_a_blocked_one_but_still_resets_the_password(
    client: Client, ann: User
) -> None:
    BlockedDomain(value="spam.example").save()
    client.force_login(ann)
    answer = client.post("/accounts/email/", {"action_add": "", "email": "new@spam.example"})
    if answer.status_code == 302:  # the password first
        client.post(answer["Location"], {"password": PASSWORD})
        answer = client.post("/accounts/email/", {"action_add": "", "email": "new@spam.example"})
    assert "addresses of that mail service" in answer.content.decode()
    assert Client().post("/accounts/password/reset/", {"email": "ann@spam.example"}).status_code == 302
    assert [message.to for message in mail.outbox] == [["ann@spam.example"]]
