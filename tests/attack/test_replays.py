"""Cookies and links that have ended or were used, sent again."""

import re
import uuid
from collections.abc import Callable

import pytest
from django.conf import settings as site
from django.core import mail
from django.test import Client

from apps.accounts import invitations
from apps.accounts.models import User
from apps.moderation import actions as moderation
from apps.moderation.models import Reason, What
from tests.pages.test_sign_up_modes import INVITATION, set_mode
from tests.support.people import PASSWORD, link_to, member, sign_up, signs_in, who_is_in

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "another horse battery"
SESSION = site.SESSION_COOKIE_NAME


@pytest.fixture(autouse=True)
def quick(settings, memcached: str) -> None:
    settings.ACCOUNT_RATE_LIMITS = dict.fromkeys(settings.ACCOUNT_RATE_LIMITS)


@pytest.fixture
def ann() -> User:
    return member("ann")


def signed_in() -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert who_is_in(client) == "ann"
    return client


def with_cookie(value: str) -> Client:
    client = Client()
    client.cookies[SESSION] = value
    return client


# ── Cookies ──────────────────────────────────────────────────────────────────────────────────────


def sign_out(client: Client) -> None:
    client.post("/accounts/logout/")


def change_password(client: Client) -> None:
    form = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    assert signed_in().post("/accounts/password/change/", form).status_code == 302


def reset_password(client: Client) -> None:
    visitor = Client()
    visitor.post("/accounts/password/reset/", {"email": "ann@example.org"})
    form = visitor.get(link_to("ann@example.org"), follow=True).redirect_chain[-1][0]
    assert visitor.post(form, {"password1": NEW, "password2": NEW}).status_code == 302


def end_others(client: Client) -> None:
    signed_in().post("/accounts/sessions/")


def leave(client: Client) -> None:
    assert client.post("/settings/leave/", {"password": PASSWORD}).status_code == 302


def suspend(client: Client) -> None:
    by = member("moe", is_superuser=True)
    moderation.act(what=What.SUSPEND, person=User.objects.get(username="ann"), by=by, reason=Reason.SPAM)


ENDS: list[Callable[[Client], None]] = [
    sign_out,
    change_password,
    reset_password,
    end_others,
    leave,
    suspend,
]


@pytest.mark.asvs("7.4.1", "7.4.2", "7.4.3")
@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_a_cookie_of_a_session_that_ended_opens_nothing(ann: User, end: Callable[[Client], None]) -> None:
    client = signed_in()
    stolen = client.cookies[SESSION].value
    assert who_is_in(with_cookie(stolen)) == "ann"  # it is in memcached, too
    end(client)
    for _ in range(2):
        thief = with_cookie(stolen)
        assert who_is_in(thief) is None
        tea = thief.post("/kwip/", {"text": "tea", "form_key": str(uuid.uuid4())})
        assert tea.status_code in (302, 403)  # the words are given back
        assert 'data-viewer="ann"' not in thief.get("/everyone/").content.decode()
    assert not ann.kwips.exists()


@pytest.mark.asvs("7.2.4")
def test_a_cookie_that_was_set_before_signing_in_is_not_the_members(ann: User) -> None:
    planted = "a" * 32
    victim = with_cookie(planted)
    victim.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
    assert who_is_in(victim) == "ann"
    assert victim.cookies[SESSION].value != planted
    assert who_is_in(with_cookie(planted)) is None


@pytest.mark.asvs("7.2.2", "7.2.3")
def test_no_two_sessions_are_alike_and_each_has_more_than_128_bits(ann: User) -> None:
    keys = {signed_in().cookies[SESSION].value for _ in range(5)}
    assert len(keys) == 5
    for key in keys:
        assert re.fullmatch(r"[a-z0-9]{32}", key)  # 165 bits


# ── Links ────────────────────────────────────────────────────────────────────────────────────────


def test_a_link_that_was_used_does_nothing_of_a_reset(ann: User) -> None:
    visitor = Client()
    visitor.post("/accounts/password/reset/", {"email": "ann@example.org"})
    link = link_to("ann@example.org")
    form = visitor.get(link, follow=True).redirect_chain[-1][0]
    assert visitor.post(form, {"password1": NEW, "password2": NEW}).status_code == 302
    thief = Client()
    second = "the horse of a thief"
    answer = thief.get(link, follow=True)
    target = answer.redirect_chain[-1][0] if answer.redirect_chain else link
    for client in (thief, visitor):
        for path in (target, form, link):
            client.post(path, {"password1": second, "password2": second})
    assert not signs_in("ann", second)
    assert signs_in("ann", NEW)


def of_a_confirmation() -> tuple[str, Callable[[], None]]:
    browser = Client()
    sign_up(browser, "eve", "eve@example.org")
    link = link_to("eve@example.org")
    return link, lambda: assert_in(browser, link)


def assert_in(browser: Client, link: str) -> None:
    browser.get(link)
    assert who_is_in(browser) == "eve"


def of_an_invitation() -> tuple[str, Callable[[], None]]:
    """The thief's part is `test_an_invitation_that_was_used_lets_nobody_in`."""
    token = invitations.invite(inviter=User.objects.get(username="ann"), note="", form_key=uuid.uuid4())
    link = f"/invitation/{token}/"

    def use() -> None:
        assert join(opened(link), "eve") == "eve"

    return link, use


def opened(link: str) -> Client:
    """A browser in which the invitation was taken up, if it still can be."""
    browser = Client()
    browser.get(link)
    browser.post(link)
    return browser


def join(browser: Client, name: str) -> str | None:
    """Signs up and follows the link of the mail, if there is one. Returns who is in then."""
    address = f"{name}@example.org"
    sign_up(browser, name, address)
    if any(message.to == [address] for message in mail.outbox):
        browser.get(link_to(address))
    return who_is_in(browser)


def of_the_way_back() -> tuple[str, Callable[[], None]]:
    client = signed_in()
    leave(client)
    link = link_to("ann@example.org")
    return link, lambda: assert_status(Client().post(link).status_code)


def assert_status(status: int) -> None:
    assert status == 302


@pytest.mark.asvs("6.6.2", "6.4.1")
@pytest.mark.parametrize(
    "make", [of_a_confirmation, of_an_invitation, of_the_way_back], ids=lambda make: make.__name__
)
def test_a_link_that_was_used_does_nothing(
    ann: User, make: Callable[[], tuple[str, Callable[[], None]]]
) -> None:
    link, use = make()
    use()
    before = state()
    thief = Client()
    for method in ("get", "post", "get"):
        assert getattr(thief, method)(link).status_code in (200, 302, 404, 405, 410)
    assert who_is_in(thief) is None
    assert state() == before


@pytest.mark.asvs("6.4.1")
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_invitation_that_was_used_lets_nobody_in(ann: User, when: str) -> None:
    """Whether the thief opens its link before it is used, or after."""
    set_mode(INVITATION)
    link, use = of_an_invitation()
    early = opened(link)
    use()
    before = state()
    assert join(early if when == "before" else opened(link), "mallory") is None
    assert state() == before
    assert not User.objects.filter(username="mallory").exists()


def state() -> list[tuple[object, ...]]:
    return list(User.objects.order_by("pk").values_list("username", "email", "is_active", "password"))


def test_a_link_of_another_kind_opens_nothing(ann: User) -> None:
    """Each kind of key is signed for its own purpose."""
    leave(signed_in())
    key = link_to("ann@example.org").rstrip("/").rpartition("/")[2]
    before = state()
    for path in (
        f"/accounts/confirm-email/{key}/",
        f"/notifications/stop/{key}/",
        f"/moderation/appeal/{key}/",
    ):
        for method in ("get", "post"):
            assert getattr(Client(), method)(path).status_code < 500
    assert state() == before
    assert User.objects.get(pk=ann.pk).is_active is False
