"""Requests of one client at the same moment never pass a limit, with memcached up and down.

Generated over `settings.LIMITS`: a new limit fails until it has a request here, or a reason in `NO_REQUEST`.
"""

import datetime
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.conf import settings as site
from django.test import Client
from django.utils import timezone

from apps.accounts import actions as people
from apps.accounts.models import User
from apps.accounts.new_accounts import is_new
from apps.contact.tests.form_data import filled
from apps.cspreports.tests.test_reports import legacy
from apps.graph.actions import follow, unfollow
from apps.kwips import actions
from apps.kwips.models import Kwip
from apps.limits.models import RateLimitWindow
from apps.tokens import secret
from apps.tokens.tests.conftest import token_of
from tests.support.concurrency import at_once
from tests.support.people import PASSWORD, member

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asvs("2.3.4", "2.4.1", "15.4.2")]

AMOUNT, AT_ONCE = 2, 8


def key() -> str:
    return str(uuid.uuid4())


@dataclass
class Crowd:
    """One member, with a browser for each request; and everything that the requests are about."""

    session: str = ""
    kwips: list[Kwip] = field(default_factory=list)
    token: str = ""
    # Of the contact page, from half a minute ago.
    forms: list[dict[str, Any]] = field(default_factory=list)

    def browser(self) -> Client:
        client = Client(raise_request_exception=False)
        client.cookies[site.SESSION_COOKIE_NAME] = self.session
        return client

    def post(self, path: str, **form: Any) -> Any:
        return self.browser().post(path, form)

    def get(self, path: str) -> Any:
        return self.browser().get(path)

    def kwip(self, number: int) -> int:
        return self.kwips[number].pk


def made() -> Crowd:
    ann = member("ann")
    # Their first days are over: limits of new accounts are other limits.
    User.objects.update(joined_at=timezone.now() - datetime.timedelta(days=90))
    ann.refresh_from_db()
    assert not is_new(ann)
    client = Client()
    client.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    crowd = Crowd(client.cookies[site.SESSION_COOKIE_NAME].value, token=token_of(ann))
    crowd.forms = [filled() for _ in range(AT_ONCE)]
    for number in range(AT_ONCE):
        other = member(f"person{number}")
        follow(follower=other, followee=ann)
        written = actions.publish(author=other, text=f"tea {number}", form_key=uuid.uuid4())
        crowd.kwips.append(written.kwip)
    return crowd


def own(crowd: Crowd) -> int:
    return actions.publish(
        author=User.objects.get(username="ann"), text="mine", form_key=uuid.uuid4()
    ).kwip.pk


def csp_report() -> Any:
    return Client().post("/csp-reports/", json.dumps(legacy()), content_type="application/csp-report")


type Request = Callable[[Crowd, int], Any]

# From the member and a number below `AT_ONCE` to the answer of a request that the limit counts.
REQUESTS: dict[str, Request] = {
    "failed_sign_in": lambda crowd, number: Client().post(
        "/accounts/login/", {"login": "ann", "password": "wrong"}
    ),
    "failed_sign_in_network": lambda crowd, number: Client().post(
        "/accounts/login/", {"login": f"person{number}", "password": "wrong"}
    ),
    "publish": lambda crowd, number: crowd.post("/kwip/", text=f"tea {number}", form_key=key()),
    "comment": lambda crowd, number: crowd.post(
        f"/kwip/{crowd.kwip(0)}/comment/", text=f"milk {number}", form_key=key()
    ),
    "draft": lambda crowd, number: crowd.post(
        "/drafts/keep/", text=f"half {number}", form_key=key(), draft=""
    ),
    "edit": lambda crowd, number: crowd.post(f"/kwip/{crowd.kwip(-1)}/edit/", text=f"green {number}"),
    "invite": lambda crowd, number: crowd.post("/invitations/", note="hello", form_key=key()),
    "rename": lambda crowd, number: crowd.post("/settings/name/", username=f"anna_{number}"),
    "profile": lambda crowd, number: crowd.post("/settings/", display_name=f"Ann {number}", bio=""),
    "favourite": lambda crowd, number: crowd.post(f"/kwip/{crowd.kwip(number)}/favourite/"),
    "share": lambda crowd, number: crowd.post(f"/kwip/{crowd.kwip(number)}/share/"),
    "bookmark": lambda crowd, number: crowd.post(f"/kwip/{crowd.kwip(number)}/bookmark/"),
    "pin": lambda crowd, number: crowd.post(f"/kwip/{crowd.kwip(-1)}/pin/"),
    "track": lambda crowd, number: crowd.post(f"/kwip/{crowd.kwip(number)}/track/"),
    "follow": lambda crowd, number: crowd.post(f"/person{number}/follow/"),
    "ask": lambda crowd, number: crowd.post(f"/person{number}/follow/"),
    "mute": lambda crowd, number: crowd.post(
        "/settings/mutes/", word=f"tea{number}", until="day", how="muffled"
    ),
    "complete": lambda crowd, number: crowd.get("/people/complete/?q=pe"),
    "conversation": lambda crowd, number: crowd.post(
        f"/messages/person{number}/", text="tea?", form_key=key()
    ),
    "message": lambda crowd, number: crowd.post(f"/messages/person{number}/", text="tea?", form_key=key()),
    "report": lambda crowd, number: crowd.post(
        f"/kwip/{crowd.kwip(number)}/report/", reason="spam", words="", form_key=key()
    ),
    "buzz": lambda crowd, number: crowd.post(f"/person{number}/buzz/"),
    "contact": lambda crowd, number: Client().post("/contact/", crowd.forms[number]),
    "token": lambda crowd, number: crowd.post(
        "/settings/tokens/", name=f"station {number}", writes="on", form_key=secret.new_key()
    ),
    "api_read": lambda crowd, number: Client().get(
        "/api/network/", headers={"Authorization": f"Bearer {crowd.token}"}
    ),
    "bad_token": lambda crowd, number: Client().get(
        "/api/network/", headers={"Authorization": f"Bearer {crowd.token[:-4]}{number:04}"}
    ),
    "csp_report": lambda crowd, number: csp_report(),
    "csp_reports": lambda crowd, number: csp_report(),
    "search": lambda crowd, number: crowd.get("/search/?q=tea"),
    # Last: nothing of a blocked person can be asked for.
    "block": lambda crowd, number: crowd.post("/settings/blocks/", username=f"person{number}"),
}
# Where an answer alone does not tell that a limit was met, where no request of one client is counted, or
# where more must have happened than a crowd has: then the test that is named makes it happen.
NO_REQUEST = {
    "failed_sign_in_anywhere": "decides about mail alone, tests/pages/test_passwords.py",
    "failed_sign_in_mail": "as failed_sign_in_anywhere",
    "sign_up_mail": "the answer tells nobody, tests/pages/test_sign_up.py",
    "sign_up_mail_address": "as sign_up_mail",
    "sign_up_mail_again": "as sign_up_mail",
    "sign_up_change": "of one sign-up whose row is locked, tests/pages/test_sign_up.py",
    "leave": "the first request ends the session, tests/pages/test_leaving.py",
    "preview_text": "changes nothing",
    "schedule": "as draft, apps/drafts/tests/test_views.py",
    "new_account_links": "counted in publish, apps/kwips/tests/test_new_accounts.py",
    "new_account_mentions": "counted in publish, apps/kwips/tests/test_new_accounts.py",
    "same_text": "holds a text, and refuses none, apps/kwips/tests/test_repeated_texts.py",
    "same_text_new_accounts": "as same_text",
    "picture": "decoding is one at a time, apps/pictures/tests/test_actions.py",
    "picture_seconds": "decoding is one at a time, apps/pictures/tests/test_actions.py",
    "link_check": "of the worker, apps/accounts/tests/test_links.py",
    "ask_again": "as ask, of one person, apps/graph/tests/test_requests.py",
    "export": "one at a time, apps/archive/tests/test_export.py",
    "import": "one at a time, apps/archive/tests/test_import.py",
    "mail_address": "as profile, tests/pages/test_by_mail.py",
    "mail_in": "of the worker, apps/inbound/tests/test_receiving.py",
    "mail_in_tries": "of the worker, apps/inbound/tests/test_pictures.py",
    "mail_in_told": "of the worker, apps/inbound/tests/test_receiving.py",
    "preview": "of the worker, apps/feeds/tests/test_previews.py",
    "previews": "of the worker, apps/feeds/tests/test_previews.py",
    "new_browser_mail": "decides about mail alone, apps/accounts/tests/test_browsers.py",
    "sign_in_code": "a 429 only while someone guesses, apps/accounts/tests/test_browsers.py",
    "sign_in_code_anywhere": "as sign_in_code",
    "sign_in_code_tries": "a wrong code is a 200, apps/accounts/tests/test_browsers.py",
    "passkey": "needs an authenticator, apps/factors/tests/test_passkeys.py",
    "factor": "a wrong code is a 200, apps/factors/tests/test_codes.py",
    "factor_anywhere": "as factor",
    "factor_again": "as factor",
    "factor_change": "asks for the password again, apps/factors/tests/test_codes.py",
    "factor_lift": "refuses nothing: a new password takes guesses back",
    "factor_mail": "decides about mail alone",
    "attack_links": "as new_account_links, while sign-up is under attack",
    "attack_mentions": "as attack_links",
    "attack_texts": "as attack_links",
    "attack_conversations": "as attack_links, apps/messages/tests/test_sending.py",
    "puzzle_wait": "refuses by an error of the form, apps/puzzles/tests/test_puzzles.py",
    "puzzle_again": "as puzzle_wait, of one puzzle",
    "contact_answer": "refuses nothing: it decides about mail, apps/contact/tests/test_mails.py",
}


@pytest.fixture(autouse=True)
def quick(settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = dict.fromkeys(settings.ACCOUNT_RATE_LIMITS)
    settings.CONTACT_EMAIL = "operators@kwippy.example"


def test_each_limit_has_a_request_or_a_reason() -> None:
    known = {*REQUESTS, *NO_REQUEST}
    assert set(site.LIMITS) - known == set(), "give it a request in tests/attack/test_races.py"
    assert known - set(site.LIMITS) == set(), "it is no limit any more"


@pytest.mark.parametrize("memcached_is", ["up", "down"])
def test_no_limit_is_passed_by_requests_at_the_same_moment(
    settings, memcached: str, memcached_is: str
) -> None:
    settings.LIMITS = dict.fromkeys(settings.LIMITS)
    crowd = made()
    crowd.kwips.append(Kwip.objects.get(pk=own(crowd)))
    if memcached_is == "down":
        dead = settings.CACHES["lookaside"] | {"LOCATION": "127.0.0.1:1"}
        settings.CACHES = settings.CACHES | {"lookaside": dead}
    wrong = []
    for scope, request in REQUESTS.items():
        prepare(scope)
        settings.LIMITS = dict.fromkeys(settings.LIMITS) | {scope: f"{AMOUNT}/1d"}
        answers = at_once(
            [lambda number=number, send=request: send(crowd, number) for number in range(AT_ONCE)],  # type: ignore[misc]
            threads=AT_ONCE,
        )
        statuses = sorted(answer.status_code for answer in answers)
        counted = sum(len(times) for times in RateLimitWindow.objects.values_list("times", flat=True))
        refused = AT_ONCE - AMOUNT
        # A sign-in that is refused is the page of a wrong password, with other words.
        is_told = statuses.count(429) == refused or "sign_in" in scope
        if not is_told or counted != AMOUNT or max(statuses) >= 500:
            wrong.append(f"{scope}: {statuses}, counted {counted}")
        RateLimitWindow.objects.all().delete()
    assert not wrong, "\n".join(wrong)


def prepare(scope: str) -> None:
    """What a request must find so that it counts."""
    ann, *others = User.objects.order_by("pk")
    if scope == "ask":
        for other in others:
            unfollow(follower=ann, followee=other)
    if scope in ("ask", "block"):
        for other in others:
            people.set_private(user=other, is_private=scope == "ask")
