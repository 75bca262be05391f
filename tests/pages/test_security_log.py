"""Every event of the security log is caused by requests, as a browser sends them; who sees which."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts import erasing, factor_resets
from apps.accounts.models import FactorReset, Leaving, User
from apps.commandqueue.core.worker import Worker
from apps.factors.tests import steps
from apps.securitylog import Event, allowance, keyed
from apps.securitylog.event import NOT_FOR_PERSON
from apps.securitylog.models import Entry
from tests.support.people import PASSWORD, link_to, member, sign_up, who_is_in

pytestmark = pytest.mark.django_db(transaction=True)

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
NEW = "staple battery horse"
LOG = "/settings/security/"


class World:
    """ann, who is signed in and was just asked for her password, and an operator."""

    def __init__(self) -> None:
        self.ann = member("ann")
        self.opera = member("opera", is_staff=True, is_superuser=True)
        self.browser = self.signed_in("ann")

    def client(self, address: str = "192.0.2.77", agent: str = FIREFOX) -> Client:
        return Client(headers={"user-agent": agent}, REMOTE_ADDR=address)

    def sign_in(self, client: Client, login: str, password: str = PASSWORD) -> Any:
        return client.post("/accounts/login/", {"login": login, "password": password})

    def signed_in(self, login: str, *, agent: str = FIREFOX) -> Client:
        client = self.client(agent=agent)
        self.sign_in(client, login)
        client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        return client

    def guess(self, times: int = 21) -> None:
        for n in range(times):
            self.sign_in(self.client(f"10.{n}.0.1"), "ann", "wrong")

    def add_factor(self) -> None:
        self.secret, _codes = steps.add_app(self.browser)

    def show_factor(self, code: str) -> None:
        self.add_factor()
        away = self.client(agent=CHROME)
        self.sign_in(away, "ann")
        # The code that added the app counts no more.
        app = Authenticator.objects.get(user=self.ann, type=Authenticator.Type.TOTP)
        Authenticator.objects.filter(pk=app.pk).update(data=app.data | {"step": app.data["step"] - 2})
        away.post(reverse("mfa_authenticate"), {"code": code or steps.code_at(self.secret)})

    def code_by_mail(self) -> Client:
        self.guess()
        away = self.client("198.51.100.7")
        self.sign_in(away, "ann")
        return away

    def change_address(self, *, confirm: bool) -> None:
        new = "ann@example.net"
        self.browser.post("/accounts/email/", {"email": new, "action_add": ""})
        if confirm:
            self.browser.post(link_to(new))

    def reset_password(self) -> None:
        client = self.client()
        client.post("/accounts/password/reset/", {"email": self.ann.email})
        client.post(client.get(link_to(self.ann.email))["Location"], {"password1": NEW, "password2": NEW})

    def make_token(self) -> str:
        page = self.browser.post("/settings/tokens/", {"name": "station", "writes": "on", "reads": "on"})
        found = re.search(r'id="secret"[^>]*>\s*([^<\s]+)', page.content.decode())
        assert found, page.status_code
        return found[1]

    def switch(self, action: str) -> None:
        operator = self.signed_in("opera")
        form = {"action": action, "_selected_action": [self.ann.pk]}
        if b"confirmed" in (answer := operator.post("/admin/accounts/user/", form)).content:
            answer = operator.post("/admin/accounts/user/", form | {"confirmed": "yes"})
        assert answer.status_code == 302

    def leave(self) -> None:
        answer = self.browser.post("/settings/leave/", {"password": PASSWORD})
        assert answer.status_code == 302, answer.content

    def be_deleted(self) -> None:
        self.leave()
        Worker(once=True).run()  # what is enqueued about a person postpones their deletion
        Leaving.objects.update(due_at=timezone.now())
        while Leaving.objects.exists():
            erasing.erase_due.call()


def join(world: World) -> None:
    client = world.client()
    sign_up(client, "dora", "dora@example.org")
    client.get(link_to("dora@example.org"))
    world.ann, world.browser = User.objects.get(username="dora"), client


def use_token(world: World) -> None:
    headers = {"authorization": f"Bearer {world.make_token()}"}
    for _ in range(2):
        assert Client(headers=headers).get("/api/network/").status_code == 200


def end_token(world: World) -> None:
    world.make_token()
    world.browser.post("/settings/tokens/revoke/")


def end_session(world: World) -> None:
    world.signed_in("ann", agent=CHROME)
    page = world.browser.get("/accounts/sessions/").content.decode()
    found = re.search(r"/accounts/sessions/\d+/end/", page)
    assert found
    world.browser.post(found[0])


def come_back(world: World) -> None:
    world.leave()
    world.client().post(link_to(world.ann.email))
    world.browser = world.signed_in("ann")


def wake_up(world: World) -> None:
    world.switch("switch_off")
    world.switch("switch_on")
    world.browser = world.signed_in("ann")


def remove_factor(world: World) -> None:
    world.add_factor()
    world.browser.post(reverse("mfa_deactivate_totp"))


def use_factor(world: World, code: str = "") -> None:
    world.show_factor(code)


def ask_for_reset(world: World) -> None:
    world.add_factor()
    form = {"action": "reset_factors", "_selected_action": [world.ann.pk]}
    assert world.signed_in("opera").post("/admin/accounts/user/", form).status_code == 302


def cancel_reset(world: World) -> None:
    ask_for_reset(world)
    assert world.browser.post("/accounts/2fa/reset/").status_code == 302


def wait_for_reset(world: World) -> None:
    ask_for_reset(world)
    for _ in range(2):  # it reminds first
        FactorReset.objects.update(due_at=timezone.now())
        factor_resets.reset_due.call()
    world.browser = world.signed_in("ann")


def reset(world: World) -> None:
    world.reset_password()
    world.browser = world.client()
    world.sign_in(world.browser, "ann", NEW)


def change_password(world: World) -> None:
    form = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    assert world.browser.post("/accounts/password/change/", form).status_code == 302


def think_again(world: World) -> None:
    world.change_address(confirm=False)
    world.browser.post("/accounts/email/", {"email": "ann@example.net", "action_remove": ""})


def end_everything(world: World) -> None:
    other = world.signed_in("ann", agent=CHROME)
    answer = world.browser.post("/accounts/sessions/end/")
    assert answer["Location"] == "/accounts/login/"
    assert [who_is_in(client) for client in (world.browser, other)] == [None, None]
    before = len(mail.outbox)
    world.browser = world.signed_in("ann")
    assert "new to us" in mail.outbox[before].subject, "no browser is known any more"


def send_without_token(world: World) -> None:
    strict = Client(enforce_csrf_checks=True, headers={"user-agent": FIREFOX}, REMOTE_ADDR="192.0.2.77")
    strict.cookies = world.browser.cookies
    assert strict.post("/settings/name/", {"username": "anna"}).status_code == 403


def sign_out(world: World) -> None:
    world.browser.post("/accounts/logout/")
    world.browser = world.signed_in("ann")


CAUSES: dict[Event, Callable[[World], object]] = {
    Event.SIGNED_UP: join,
    Event.CONSENT: join,
    Event.SIGNED_IN: lambda world: None,
    Event.REAUTHENTICATED: lambda world: None,
    Event.SIGN_IN_FAILED: lambda world: world.guess(1),
    Event.GUESSING: lambda world: world.guess(),
    Event.LIMIT_MET: lambda world: [world.sign_in(world.client(), "ann", "wrong") for _ in range(6)],
    Event.REFUSED: lambda world: world.browser.get("/moderation/"),
    Event.FORM_REFUSED: send_without_token,
    Event.CODE_ASKED: lambda world: world.code_by_mail(),
    Event.CODE_FAILED: lambda world: use_factor(world, "000000"),
    Event.FACTOR_ADDED: lambda world: world.add_factor(),
    Event.CODES_MADE: lambda world: world.add_factor(),
    Event.FACTOR_USED: use_factor,
    Event.FACTOR_REMOVED: remove_factor,
    Event.FACTORS_RESET_ASKED: ask_for_reset,
    Event.FACTORS_RESET_CANCELLED: cancel_reset,
    Event.FACTORS_RESET: wait_for_reset,
    Event.PASSWORD_CHANGED: change_password,
    Event.PASSWORD_RESET_ASKED: reset,
    Event.PASSWORD_RESET: reset,
    Event.ADDRESS_ADDED: lambda world: world.change_address(confirm=True),
    Event.ADDRESS_CONFIRMED: lambda world: world.change_address(confirm=True),
    Event.ADDRESS_CHANGED: lambda world: world.change_address(confirm=True),
    Event.ADDRESS_REMOVED: think_again,
    Event.NAME_CHANGED: lambda world: world.browser.post("/settings/name/", {"username": "anna"}),
    Event.SIGNED_OUT: sign_out,
    Event.SESSION_ENDED: end_session,
    Event.SESSIONS_ENDED: end_everything,
    Event.TOKEN_MADE: lambda world: world.make_token(),
    Event.TOKEN_USED_FIRST: use_token,
    Event.TOKEN_ENDED: end_token,
    Event.STAFF_ACT: lambda world: world.switch("switch_off"),
    Event.MODERATION_ACT: lambda world: world.switch("switch_off"),
    Event.SWITCHED_OFF: wake_up,
    Event.SWITCHED_ON: wake_up,
    Event.EXPORTED: lambda world: world.browser.post("/settings/export/"),
    Event.DELETION_ASKED: come_back,
    Event.CAME_BACK: come_back,
    Event.DELETED: lambda world: world.be_deleted(),
}
# What no member sees: of operators, of tries without an account, and of an account that is no more.
UNSEEN = NOT_FOR_PERSON | {Event.LIMIT_MET, Event.DELETED}


@pytest.fixture
def world(settings: Any, tmp_path: Any) -> World:
    settings.ARCHIVE_ROOT = str(tmp_path)
    settings.TASKS = {"default": {"BACKEND": "apps.commandqueue.tasks.backend.QueueTaskBackend"}}
    allowance.refill()
    return World()


@pytest.mark.asvs("16.3.1")
@pytest.mark.parametrize("event", Event)
def test_each_event_is_recorded_and_shown_to_whom_it_concerns(world: World, event: Event) -> None:
    CAUSES[event](world)
    rows = list(Entry.objects.filter(event=event))
    assert rows, "nothing was recorded"
    if event is not Event.LIMIT_MET:
        assert {row.user_id for row in rows} == {world.ann.pk} or event in {
            Event.SIGNED_IN, Event.REAUTHENTICATED,
        }  # fmt: skip
    text = str(list(Entry.objects.values()))
    for secret in (PASSWORD, NEW, "example.org", "example.net", "192.0.2.77", "Mozilla", "ann"):
        assert secret not in text.replace("channel", ""), secret
    if event in UNSEEN:
        return
    page = world.browser.get(LOG).content.decode()
    assert str(event.label) in page


def test_each_entry_has_the_requests_id_and_is_in_the_json_log(world: World, caplog: Any) -> None:
    with caplog.at_level("INFO", "kwippy.security"):
        answer = world.sign_in(world.client(), "Ann@example.org", "wrong")
    row = Entry.objects.filter(event=Event.SIGN_IN_FAILED).get()
    assert row.request_id == answer["X-Request-ID"]
    assert row.login == keyed("ann@example.org")
    [line] = [r.msg for r in caplog.records if r.name == "kwippy.security" and isinstance(r.msg, dict)]
    assert (line["event"], line["kind"], line["user_id"]) == ("security", "sign_in_failed", world.ann.pk)
    assert (line["network"], line["login"]) == ("192.0.2.…", row.login)


def test_one_sees_ones_own_log_and_no_other_persons(world: World) -> None:
    bob = member("bob")
    world.sign_in(world.client("203.0.113.5", CHROME), "bob", "wrong")
    page = world.browser.get(LOG).content.decode()
    assert "203.0.113" not in page
    own = world.signed_in("bob").get(LOG).content.decode()
    assert "a wrong password" in own
    assert "chrome on windows" in own
    assert "203.0.113.…" in own
    assert Client().get(LOG).status_code == 302
    assert Client().post(LOG).status_code == 405
    assert bob.pk


def test_the_log_has_pages_that_never_count(world: World) -> None:
    Entry.objects.bulk_create(
        Entry(event=Event.PASSWORD_CHANGED, user_id=world.ann.pk, browser="firefox") for _ in range(95)
    )
    seen, path = 0, LOG
    while path:
        page = world.browser.get(path).content.decode()
        seen += page.count("the password was changed")
        found = re.search(r'rel="next"\s+href="([^"]+)"', page)
        path = LOG + found[1].replace("&amp;", "&") if found else ""
    assert seen == 95
    assert world.browser.get(LOG + "?before=x").status_code == 404


def test_operators_read_all_and_change_nothing(world: World) -> None:
    world.sign_in(world.client(), "nobody@example.org", "wrong")
    operator = world.signed_in("opera")
    listed = operator.get("/admin/securitylog/entry/?q=Nobody@example.org").content.decode()
    assert listed.count("sign_in_failed") >= 1
    row = Entry.objects.filter(login=keyed("nobody@example.org")).get()
    assert f"/admin/securitylog/entry/{row.pk}/change/" in listed
    assert operator.get(f"/admin/securitylog/entry/{row.pk}/change/").status_code == 200
    for path in (f"{row.pk}/delete/", "add/"):
        assert operator.post(f"/admin/securitylog/entry/{path}", {"post": "yes"}).status_code == 403
    assert str(world.ann.pk) in operator.get(f"/admin/securitylog/entry/?q={world.ann.pk}").content.decode()
    assert world.browser.get("/admin/securitylog/entry/").status_code == 302


def test_a_reset_that_is_asked_for_an_unknown_address_is_recorded_alike(world: World) -> None:
    for address in ("ann@example.org", "nobody@example.org"):
        world.client().post("/accounts/password/reset/", {"email": address})
    rows = Entry.objects.filter(event=Event.PASSWORD_RESET_ASKED).order_by("pk")
    assert [row.user_id for row in rows] == [world.ann.pk, None]
    assert [row.login for row in rows] == [keyed("ann@example.org"), keyed("nobody@example.org")]


def test_what_staff_change_is_recorded_by_its_fields_without_the_values(world: World) -> None:
    operator = world.signed_in("opera")
    form = {"value": "spam.example", "reason": "it sends spam"}
    assert operator.post("/admin/policy/blockeddomain/add/", form).status_code == 302
    row = Entry.objects.filter(event=Event.STAFF_ACT).get()
    assert row.by_id == world.opera.pk
    assert row.details["act"] == "add"
    assert row.details["model"] == "policy.blockeddomain"
    assert "spam" not in str(row.details)


def test_the_pages_of_sign_in_name_their_cookie_apart_from_the_sessions(world: World) -> None:
    assert settings.KNOWN_BROWSER_COOKIE in world.browser.cookies
