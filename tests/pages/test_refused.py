"""What is refused to signed-in people and to tokens for want of a right is in the security log, once."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.accounts import actions as accounts
from apps.accounts.models import User
from apps.kwips import actions as kwips
from apps.kwips import bookmarks
from apps.moderation import actions as moderation
from apps.moderation.models import FactorDuty, Reason, What
from apps.securitylog import Event, allowance
from apps.securitylog.models import Entry
from apps.tokens.models import Scope
from apps.tokens.tests.conftest import Program, token_of
from tests.support.people import PASSWORD, member, minutes_later

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asvs("16.3.2")]

LOG = "/settings/security/"
JSON = {"accept": "application/json"}


class World:
    """ann with a kwip, bob, a moderator, an operator, and staff without any permission."""

    def __init__(self) -> None:
        self.people = {name: member(name) for name in ("ann", "bob", "mia")}
        self.people["mia"].groups.add(Group.objects.get_or_create(name="moderators")[0])
        self.people["opal"] = member("opal", is_staff=True, is_superuser=True)
        self.people["stan"] = member("stan", is_staff=True)
        self.kwip = kwips.publish(author=self.people["ann"], text="tea", form_key=uuid.uuid4()).kwip

    def browser(self, name: str, **options: Any) -> Client:
        client = Client(**options)
        client.post("/accounts/login/", {"login": name, "password": PASSWORD})
        return client


@pytest.fixture
def world(settings: Any) -> World:
    allowance.refill()
    return World()


def refused(person: User) -> list[dict[str, Any]]:
    """What the log has of it, as the details of its entries."""
    rows = Entry.objects.filter(user_id=person.pk, event__in=(Event.REFUSED, Event.FORM_REFUSED))
    return list(rows.order_by("pk").values_list("details", flat=True))


class Case(NamedTuple):
    who: str
    method: str
    path: str
    status: int
    address: str
    why: str
    form: dict[str, str] = {}
    headers: dict[str, str] = {}


WARN = {"what": What.WARN, "reason": Reason.SPAM, "words": "secret words", "form_key": str(uuid.UUID(int=7))}
CASES = {
    "a page of moderators": Case("bob", "get", "/moderation/", 404, "moderation", "no role"),
    "a person's page": Case(
        "bob", "get", "/moderation/people/ann/", 404, "moderation_person", "no role"
    ),
    "the admin": Case("bob", "get", "/admin/", 302, "admin:index", "no role"),
    "a list of the admin": Case(
        "bob", "post", "/admin/accounts/user/?q=ann", 302, "admin:accounts_user_changelist", "no role"
    ),
    "the admin's own form": Case("bob", "get", "/admin/login/", 403, "admin:login", "rights"),
    "the admin, to a moderator": Case("mia", "get", "/admin/", 302, "admin:index", "no role"),
    "staff without permission": Case(
        "stan", "get", "/admin/accounts/user/", 403, "admin:accounts_user_changelist", "rights"
    ),
    "an operator's button": Case("bob", "post", "/kwip/{kwip}/of-the-day/", 403, "of_the_day", "rights"),
    "another's kwip, to edit": Case("bob", "get", "/kwip/{kwip}/edit/", 403, "edit", "rights"),
    "another's kwip, to delete": Case("bob", "post", "/kwip/{kwip}/delete/", 403, "delete", "rights"),
    "another's kwip, to pin": Case("bob", "post", "/kwip/{kwip}/pin/", 403, "pin", "rights"),
    "an own kwip, to share": Case(
        "ann", "post", "/kwip/{kwip}/share/", 403, "share", "rights", headers=JSON
    ),
    "an act on an operator": Case(
        "mia", "post", "/moderation/people/opal/", 403, "moderation_person", "rights", WARN
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_is_recorded_with_the_name_of_the_address(world: World, case: Case) -> None:
    browser, person = world.browser(case.who), world.people[case.who]
    path = case.path.format(kwip=world.kwip.pk)
    answer = getattr(browser, case.method)(path, case.form, headers=case.headers)
    assert answer.status_code == case.status
    assert refused(person) == [
        {"why": case.why, "address": case.address, "method": case.method.upper()},
    ]
    row = Entry.objects.get(event=Event.REFUSED)
    assert (row.network, row.times, row.request_id) == ("127.0.0.1", 1, answer["X-Request-ID"])
    assert "secret" not in str(Entry.objects.values())
    assert "not allowed: refused" in browser.get(LOG).content.decode()
    others = world.browser("ann" if case.who != "ann" else "bob").get(LOG).content.decode()
    assert "not allowed" not in others


def test_the_closed_pages_of_a_role_without_second_factor(world: World) -> None:
    browser, mia = world.browser("mia"), world.people["mia"]
    FactorDuty.objects.create(person=mia, since=timezone.now() - timedelta(days=8))
    for headers in ({}, JSON):
        assert browser.get("/moderation/", headers=headers).status_code == 403
    details = {"why": "no second factor", "address": "moderation", "method": "GET"}
    assert refused(mia) == [details]
    assert Entry.objects.get(event=Event.REFUSED).times == 2, "alike"


def test_a_form_of_another_site_and_one_without_its_token(world: World) -> None:
    bob = world.people["bob"]
    browser = world.browser("bob")
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    for headers in ({"origin": "https://evil.example"}, {}):
        answer = strict.post("/settings/", {"bio": "secret"}, headers=headers)
        assert answer.status_code == 403
    evil, without = refused(bob)
    assert evil == {"why": "Origin checking failed", "address": "settings", "method": "POST"}
    assert without["address"] == "settings"
    assert "CSRF" in without["why"]
    assert not Entry.objects.filter(event=Event.REFUSED).exists()
    text = str(list(Entry.objects.values()))
    assert "secret" not in text
    assert "evil.example" not in text
    assert "one of another site: refused" in browser.get(LOG).content.decode()


def test_a_token_without_the_scope_and_one_of_an_account_that_is_switched_off(world: World) -> None:
    bob = world.people["bob"]
    program = Program(token_of(bob, Scope.WRITE_KWIPS))
    assert program.get("/api/network/?q=secret").status_code == 403
    other = Program(token_of(bob))
    accounts.switch_off(people=[bob], by=None)
    assert other.get().status_code == 403
    assert refused(bob) == [
        {"why": "scope read_network", "address": "api_network", "method": "GET"},
        {"why": "account switched off", "address": "api_network", "method": "GET"},
    ]


def test_what_only_asks_for_something_is_no_refusal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The password again, a warning to be read, too many bookmarks, a form of the second tab."""
    bob, browser = world.people["bob"], world.browser("bob")
    with minutes_later(16):
        for headers in ({}, JSON):
            answer = browser.post("/accounts/sessions/end/", headers=headers)
            assert answer.status_code == 403
    monkeypatch.setattr(bookmarks, "MOST", 0)
    assert browser.post(f"/kwip/{world.kwip.pk}/bookmark/").status_code == 403
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    assert strict.post("/accounts/login/", {"login": "bob"}).status_code == 302
    moderation.act(what=What.WARN, person=bob, by=world.people["opal"], reason=Reason.SPAM, words="stop")
    for headers in ({}, JSON):
        assert browser.post(f"/kwip/{world.kwip.pk}/pin/", headers=headers).status_code == 403
    assert Program(token_of(bob)).get().status_code == 403
    assert refused(bob) == []


def test_what_is_answered_in_place_after_the_password_can_be_refused(world: World) -> None:
    """The question is forgotten once it is answered."""
    mia, browser = world.people["mia"], world.browser("mia")
    with minutes_later(16):
        answer = browser.post("/moderation/people/opal/", WARN | {"again-password": PASSWORD})
    assert answer.status_code == 403
    assert [details["why"] for details in refused(mia)] == ["rights"]


def test_anonymous_visitors_are_refused_without_an_entry(world: World) -> None:
    for client in (Client(), Client(enforce_csrf_checks=True)):
        for path in ("/moderation/", "/admin/", "/settings/", f"/kwip/{world.kwip.pk}/delete/"):
            client.get(path)
            client.post(path, {"bio": "x"})
    client.cookies["sessionid"] = "x" * 32
    client.post("/settings/", {"bio": "x"})
    assert not Entry.objects.exists()


def test_what_is_not_found_is_not_recorded(world: World) -> None:
    """A query does not find what is for others: nothing says that it is there."""
    kwip = kwips.publish(
        author=world.people["ann"], text="for few", form_key=uuid.uuid4(), followers_only=True
    ).kwip
    browser = world.browser("bob")
    for path in (f"/kwip/{kwip.pk}/edit/", f"/ann/kwip/{kwip.pk}/", "/nobody/"):
        assert browser.get(path).status_code == 404
    assert refused(world.people["bob"]) == []


@pytest.fixture
def locked_log(world: World) -> Iterator[None]:
    """Nothing can be written into the log, and a statement gives up soon."""
    other = connection.copy()
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("LOCK TABLE securitylog_entry IN ACCESS EXCLUSIVE MODE")
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
    yield
    other.rollback()
    other.close()
    connection.close()


@pytest.mark.asvs("16.5.3")
def test_the_answer_is_the_same_while_the_log_can_not_be_written(
    world: World, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    browser, paths = world.browser("bob"), ("/moderation/", f"/kwip/{world.kwip.pk}/edit/", "/admin/")
    expected = [browser.get(path).status_code for path in paths]
    assert len(refused(world.people["bob"])) == 3
    request.getfixturevalue("locked_log")
    with caplog.at_level("INFO", "kwippy.security"):
        assert [browser.get(path).status_code for path in paths] == expected == [404, 403, 302]
    lines = [r.msg for r in caplog.records if r.name == "kwippy.security" and isinstance(r.msg, dict)]
    assert [line["address"] for line in lines] == ["moderation", "edit", "admin:index"]
