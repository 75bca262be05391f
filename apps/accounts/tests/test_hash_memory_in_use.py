"""Each form that hashes a password responds 503 while all memory for hashes is in use."""

import pytest
from django.contrib.auth import base_user
from django.contrib.auth.hashers import make_password
from django.test import Client

from apps.accounts import hashers
from apps.accounts.models import User
from tests.support.people import PASSWORD, link_to, member, sign_up

pytestmark = pytest.mark.django_db

NEW = {"password1": "another horse battery", "password2": "another horse battery"}


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_form_without_memory_is_a_503_and_succeeds_when_it_is_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(base_user, "make_password", make_password)  # each is hashed
    ann, root = member("ann"), member("boss", is_staff=True, is_superuser=True)
    operator, forgetful, browser = signed_in(root), Client(), Client()
    forgetful.post("/accounts/password/reset/", {"email": "ann@example.org"})
    reset = forgetful.get(link_to("ann@example.org"), follow=True).redirect_chain[-1][0]
    sign_up(browser, "eve", "eve@example.org")
    new_user = {"username": "zoe", "email": "zoe@example.org", "usable_password": "true"}
    new_sign_up = {"username": "fay", "email": "fay@example.org"}
    forms: list[tuple[Client, str, dict[str, str]]] = [
        (operator, "/admin/accounts/user/add/", new_user | NEW),
        (operator, f"/admin/accounts/user/{ann.pk}/password/", {"usable_password": "true"} | NEW),
        (Client(), link_to("eve@example.org"), {"password": PASSWORD}),
        (Client(), "/accounts/signup/", new_sign_up | NEW),
        (signed_in(root), "/accounts/reauthenticate/", {"password": PASSWORD}),
        (signed_in(root), "/accounts/password/change/", {"oldpassword": PASSWORD} | NEW),
        (forgetful, reset, NEW),
        (Client(), "/accounts/login/", {"login": "ann", "password": NEW["password1"]}),
    ]
    with monkeypatch.context() as patched, hashers._memory.reserve(hashers.MEMORY_KIB * hashers.AT_ONCE):
        patched.setattr(hashers, "WAIT_SECONDS", 0.01)
        for client, path, form in forms:
            answer = client.post(path, form)
            assert (answer.status_code, answer["Retry-After"]) == (503, "3"), path
            assert "horse" not in answer.content.decode(), path
    assert not User.objects.filter(username__in=("zoe", "eve")).exists()
    # The reset comes first: the operator's new password invalidates its link.
    for client, path, form in [*forms[:1], *forms[2:7], forms[1], forms[7]]:
        assert client.post(path, form).status_code == 302, path
