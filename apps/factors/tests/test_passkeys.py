"""Passkeys on the server's side; `test_passkeys_in_chromium.py` has a browser and an authenticator."""

import json
import time
from functools import partial
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal.auth import STATE_SESSION_KEY
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client

from apps.accounts.models import User
from apps.factors import challenges
from apps.factors.queries import MOST_PASSKEYS
from apps.factors.tests.steps import Clock, enter_password, signed_in
from apps.factors.tests.token import SoftToken
from apps.securitylog import Event
from apps.securitylog.models import Entry
from tests.support.concurrency import at_once
from tests.support.people import member, who_is_in

ADD, SIGN_IN = "/accounts/2fa/passkeys/add/", "/accounts/2fa/passkeys/sign-in/"
JSON = {"accept": "application/json"}


def options(client: Client, path: str) -> dict[str, Any]:
    """What a page of ``path`` hands the script."""
    page = client.get(path).content.decode()
    found: dict[str, Any] = json.loads(
        page.split('<script type="application/json">')[1].split("</script>")[0]
    )
    return next(iter(found.values()))["publicKey"]


def add(client: Client, token: SoftToken, **changes: Any) -> Any:
    sent = token.register(options(client, ADD), **changes)
    return client.post(ADD, {"name": "my phone", "credential": json.dumps(sent), "passwordless": "on"})


def status_of_adding(client: Client, token: SoftToken) -> int:
    return int(add(client, token).status_code)


def begin(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get(SIGN_IN, headers=JSON).json()["request_options"]["publicKey"]
    return found


def finish(client: Client, sent: dict[str, Any]) -> Any:
    return client.post(SIGN_IN, {"credential": json.dumps(sent)})


@pytest.fixture
def owner(ann: User) -> Client:
    return signed_in(ann)


@pytest.fixture
def token(owner: Client) -> SoftToken:
    """A token with which Ann can sign in."""
    made = SoftToken()
    assert add(owner, made)["Location"] == "/accounts/2fa/codes/"
    return made


def test_a_passkey_alone_signs_its_owner_in(ann: User, token: SoftToken) -> None:
    browser = Client()
    assert finish(browser, token.sign(begin(browser)))["Location"] == "/"
    assert who_is_in(browser) == "ann"
    assert browser.session.get_expiry_age() > 86_400, "not the ten minutes of a challenge"


def test_a_passkey_is_the_second_step_after_the_password(ann: User, token: SoftToken) -> None:
    browser = Client()
    assert enter_password(browser, ann) == "/accounts/2fa/authenticate/"
    asked = options(browser, "/accounts/2fa/authenticate/")
    assert len(asked["allowCredentials"]) == 1
    sent = {"credential": json.dumps(token.sign(asked))}
    assert browser.post("/accounts/2fa/authenticate/", sent)["Location"] == "/accounts/2fa/trust/"


def test_the_options_of_a_sign_in_tell_nothing(ann: User, token: SoftToken) -> None:
    known, unknown = begin(Client()), begin(Client())
    assert known.pop("challenge") != unknown.pop("challenge")
    assert known == unknown == {"rpId": "localhost", "allowCredentials": [], "userVerification": "required"}


def test_whoever_is_unknown_or_has_no_passkey_gets_the_same_answer(ann: User, token: SoftToken) -> None:
    member("bob")
    answers = set()
    for owner in ("bob", "nobody", "ann"):
        browser = Client()
        found = User.objects.filter(username=owner).first()
        stranger = SoftToken(user_id=found.pk if found else 10**12)
        answer = finish(browser, stranger.sign(begin(browser)))
        page = browser.get(answer["Location"]).content.decode()
        answers.add(
            (answer.status_code, answer["Location"], page.split('role="status"')[1].split("</div>")[0])
        )
        assert who_is_in(browser) is None
    assert len(answers) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "https://evil.example"}, {"origin": "http://shop.localhost"}, {"rp_id": "evil.example"},
        {"kind": "webauthn.create"}, {"is_verified": False}, {"is_present": False}, {"challenge": "YWJj"},
        {"breaks": True},
    ],
    ids=lambda changes: "-".join(changes),
)  # fmt: skip
def test_what_was_signed_for_something_else_is_refused(
    changes: dict[str, Any], ann: User, token: SoftToken
) -> None:
    browser = Client()
    assert finish(browser, token.sign(begin(browser), **changes))["Location"] == "/accounts/login/"
    assert who_is_in(browser) is None


def test_what_was_signed_counts_once_and_for_one_session(ann: User, token: SoftToken) -> None:
    browser, other = Client(), Client()
    sent = token.sign(begin(browser))
    begin(other)
    finish(other, sent)
    assert who_is_in(other) is None
    finish(browser, sent)
    assert who_is_in(browser) == "ann"
    browser.post("/accounts/logout/")
    finish(browser, sent)
    assert who_is_in(browser) is None


def test_a_challenge_ends_after_ten_minutes(ann: User, clock: Clock, token: SoftToken) -> None:
    browser = Client()
    signed = token.sign(begin(browser))
    clock.pass_by(challenges.SECONDS + 1)
    # The session of a visitor ends with it; this one goes on.
    session = browser.session
    session.set_expiry(86_400)
    session.save()
    finish(browser, signed)
    assert who_is_in(browser) is None
    assert STATE_SESSION_KEY not in browser.session


def test_a_sign_in_that_was_begun_does_not_shorten_a_visitors_session(db: None) -> None:
    browser = Client()
    session = browser.session
    session["invitation"] = "opened"
    session.save()
    browser.cookies["sessionid"] = str(session.session_key)
    before = browser.session.get_expiry_age()
    begin(browser)
    assert before >= browser.session.get_expiry_age() > 86_400


def test_a_sign_in_that_was_begun_keeps_a_session_for_ten_minutes(db: None) -> None:
    begin(Client())
    [kept] = Session.objects.all()
    assert 0 < kept.expire_date.timestamp() - time.time() <= challenges.SECONDS


def test_sign_ins_of_a_network_are_limited(db: None, settings) -> None:
    settings.LIMITS = settings.LIMITS | {"passkey": "3/1m"}
    statuses = [Client(REMOTE_ADDR="203.0.113.9").get(SIGN_IN, headers=JSON).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    assert Client(REMOTE_ADDR="198.51.100.7").get(SIGN_IN, headers=JSON).status_code == 200


def test_a_suspended_person_does_not_get_in(ann: User, token: SoftToken) -> None:
    User.objects.filter(pk=ann.pk).update(is_active=False)
    browser = Client()
    assert finish(browser, token.sign(begin(browser))).status_code == 403
    assert who_is_in(browser) is None


@pytest.mark.parametrize(
    "credential",
    [
        "", "x", "[]", "1", "null", "[" * 5000, '{"id": 1}', '{"a": "' + "x" * 9000 + '"}', "{}",
        '{"id": "YQ", "rawId": "YQ", "type": "public-key", "response": []}',
        '{"id": "YQ", "rawId": "YQ", "type": "public-key", "response": {"clientDataJSON": "YQ",'
        ' "authenticatorData": "YQ", "signature": "YQ", "attestationObject": "YQ", "userHandle": 5}}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", [ADD, SIGN_IN])
def test_what_is_no_credential_is_refused(path: str, credential: str, ann: User) -> None:
    client = signed_in(ann) if path == ADD else Client()
    client.get(path, headers=JSON)
    answer = client.post(path, {"credential": credential, "name": "x"})
    assert (answer.status_code, answer.get("Location")) == (
        (422, None) if path == ADD else (302, "/accounts/login/")
    )
    assert not Authenticator.objects.exists()


def test_one_that_is_here_already_is_not_added_again(owner: Client, token: SoftToken) -> None:
    answer = add(owner, token)
    assert answer.status_code == 422
    assert "that one is here already." in answer.content.decode()


def test_a_token_that_asks_for_nothing_is_a_second_step_only(ann: User) -> None:
    client, simple = signed_in(ann), SoftToken()
    answer = add(client, simple, is_verified=False)
    assert answer.status_code == 422
    sent = json.dumps(simple.register(options(client, ADD), is_verified=False))
    assert client.post(ADD, {"name": "", "credential": sent})["Location"] == "/accounts/2fa/codes/"
    browser = Client()
    finish(browser, simple.sign(begin(browser), is_verified=False))
    assert who_is_in(browser) is None
    enter_password(browser, ann)
    asked = options(browser, "/accounts/2fa/authenticate/")
    signed = json.dumps(simple.sign(asked, is_verified=False))
    browser.post("/accounts/2fa/authenticate/", {"credential": signed})
    browser.post("/accounts/2fa/trust/", {"action": "skip"})
    assert who_is_in(browser) == "ann"


@pytest.mark.django_db(transaction=True)
def test_a_person_has_few_passkeys_however_many_are_added_at_once(ann: User) -> None:
    browsers = [(signed_in(ann), SoftToken()) for _ in range(5)]
    add(*browsers.pop())
    row = Authenticator.objects.get(type="webauthn")
    Authenticator.objects.bulk_create(
        Authenticator(user=ann, type="webauthn", data=row.data) for _ in range(MOST_PASSKEYS - 2)
    )
    statuses = at_once([partial(status_of_adding, *one) for one in browsers])
    assert sorted(statuses) == [302, 422, 422, 422]
    assert Authenticator.objects.filter(type="webauthn").count() == MOST_PASSKEYS
    assert "as many as you can have" in browsers[0][0].get("/accounts/2fa/").content.decode()


def test_a_passkey_is_renamed_and_removed_by_its_owner_alone(owner: Client, token: SoftToken) -> None:
    key = Authenticator.objects.get(type="webauthn")
    other = signed_in(member("bob"))
    for path in (f"/accounts/2fa/passkeys/{key.pk}/", f"/accounts/2fa/passkeys/{key.pk}/remove/"):
        assert other.post(path, {"name": "mine"}).status_code == 404
    path = f"/accounts/2fa/passkeys/{key.pk}/"
    assert owner.post(path, {"name": "x" * 41}).status_code == 200
    assert owner.post(path, {"name": "<b>old phone</b>"})["Location"] == "/accounts/2fa/"
    assert "&lt;b&gt;old phone&lt;/b&gt;" in owner.get("/accounts/2fa/").content.decode()
    assert owner.post(path + "remove/")["Location"] == "/accounts/2fa/"
    assert not Authenticator.objects.exists()


def test_a_passkey_is_never_removed_without_a_mail_and_an_entry(
    ann: User, owner: Client, token: SoftToken
) -> None:
    path = f"/accounts/2fa/passkeys/{Authenticator.objects.get(type='webauthn').pk}/remove/"
    assert owner.delete(path).status_code == 405
    assert Authenticator.objects.filter(type="webauthn").exists()
    mail.outbox.clear()
    assert owner.post(path).status_code == 302
    assert len(mail.outbox) == 1
    assert Entry.objects.filter(event=Event.FACTOR_REMOVED, user_id=ann.pk).exists()


def test_a_passkey_stays_open_while_codes_are_limited(ann: User, token: SoftToken, settings) -> None:
    settings.LIMITS = settings.LIMITS | {"factor": "1/1d"}
    browser = Client()
    enter_password(browser, ann)
    codes = [browser.post("/accounts/2fa/authenticate/", {"code": "1"}).status_code for _ in range(2)]
    assert codes == [422, 429]
    sent = json.dumps(token.sign(options(browser, "/accounts/2fa/authenticate/")))
    assert browser.post("/accounts/2fa/authenticate/", {"credential": sent}).status_code == 302


def test_a_passkey_says_that_it_is_still_you(clock: Clock, owner: Client, token: SoftToken) -> None:
    clock.pass_by(3600)
    path = "/accounts/2fa/passkeys/reauthenticate/"
    answer = owner.post(path, {"credential": "{}"})
    assert answer.status_code == 422
    assert "use a code" in answer.content.decode()
    sent = json.dumps(token.sign(options(owner, path)))
    assert owner.post(path, {"credential": sent, "next": ADD})["Location"] == ADD
    assert owner.get(ADD).status_code == 200
