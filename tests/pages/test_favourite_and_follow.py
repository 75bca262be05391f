"""Favourite and follow: a short response for the script, a redirect without it, and rate limits."""

import uuid

import pytest
from django.conf import settings as django_settings
from django.test import Client

from apps.accounts.models import User
from apps.graph import actions as graph
from apps.graph.blocking import block
from apps.kwips import actions
from apps.kwips.models import Favourite, Kwip
from apps.limits.tests.clock import let_pass

pytestmark = pytest.mark.django_db

MOST_BYTES = 400


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann", "ann@example.org", "a long password")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("b" * 30, "bob@example.org", display_name="b" * 50)


@pytest.fixture
def kwip(bob: User) -> Kwip:
    return actions.publish(author=bob, text="tea", form_key=uuid.uuid4()).kwip


@pytest.fixture
def member(client: Client, ann: User) -> Client:
    client.force_login(ann)
    return client


# What gunicorn adds to the headers of Django.
SERVER = (
    "HTTP/1.1 200 OK\r\nServer: gunicorn\r\n"
    "Date: Thu, 26 Nov 2026 22:18:23 GMT\r\nConnection: keep-alive\r\n\r\n"
)


def ask(client: Client, address: str):
    answer = client.post(address, {"next": "/everyone/"}, headers={"Accept": "application/json"})
    assert answer["Content-Type"] == "application/json"
    assert len(answer.content) <= MOST_BYTES
    return answer


BUTTONS = ["kwip/{kwip}/{un}favourite", "kwip/{kwip}/{un}share", "kwip/{kwip}/{un}bookmark"]
BUTTONS += ["kwip/{kwip}/{un}track", "{name}/{un}follow"]


@pytest.mark.parametrize("button", BUTTONS)
def test_the_answer_to_a_button_is_small_with_its_headers(member: Client, kwip: Kwip, button: str) -> None:
    User.objects.filter(username="ann").update(following_count=1233)
    for undone in ("", "un"):
        answer = ask(member, f"/{button.format(kwip=kwip.pk, un=undone, name=kwip.author.username)}/")
        assert answer.status_code == 200
        headers = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
        assert len(SERVER) + len(headers) + len(answer.content) <= MOST_BYTES


def test_a_heart_is_answered_with_its_number(member: Client, kwip: Kwip) -> None:
    for n in range(3):
        fan = User.objects.create_user(f"fan{n}", f"fan{n}@example.org")
        actions.favourite(kwip=kwip, user=fan)
    for what, count in (("favourite", 4), ("favourite", 4), ("unfavourite", 3), ("unfavourite", 3)):
        answer = ask(member, f"/kwip/{kwip.pk}/{what}/")
        assert (answer.status_code, answer.json()) == (200, {"count": count})
        kwip.refresh_from_db()
        assert kwip.favourites_count == count


def test_a_follow_is_answered_with_the_numbers_that_it_moved(member: Client, ann: User, bob: User) -> None:
    eve = User.objects.create_user("eve", "eve@example.org")
    graph.follow(follower=ann, followee=eve)
    one, none = [1, "follower"], [0, "followers"]
    steps = [("follow", one, 2), ("follow", one, 2), ("unfollow", none, 1), ("unfollow", none, 1)]
    for what, followers, following in steps:
        answer = ask(member, f"/{bob.username}/{what}/")
        moved = {"followers": followers, "following": [following]}
        label = {"label": "stop following"} if what == "follow" else {}
        assert (answer.status_code, answer.json()) == (200, {"moved": moved} | label)


def test_what_is_refused_says_why(member: Client, ann: User, bob: User, kwip: Kwip) -> None:
    actions.delete(kwip=kwip)
    assert ask(member, f"/kwip/{kwip.pk}/favourite/").status_code == 410
    block(blocker=ann, blocked=bob)
    for name, why in (("ann", "you can't follow yourself"), (bob.username, "you block them")):
        answer = ask(member, f"/{name}/follow/")
        assert answer.status_code == 409
        assert why in answer.json()["error"]


def test_after_the_session_ended_a_click_leads_to_sign_in(client: Client, bob: User, kwip: Kwip) -> None:
    for address in (f"/kwip/{kwip.pk}/favourite/", f"/{bob.username}/follow/"):
        answer = ask(client, address)
        assert answer.status_code == 403
        link = {"href": "/accounts/login/", "label": "sign in"}
        assert answer.json() == {"error": "you are signed out.", "link": link}


def test_a_page_from_before_signing_in_says_so(ann: User, kwip: Kwip) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ann)
    answer = ask(strict, f"/kwip/{kwip.pk}/favourite/")
    assert answer.status_code == 403
    assert "reload" in answer.json()["error"]


@pytest.mark.parametrize("what", ["favourite", "unfavourite", "follow", "unfollow"])
def test_too_many_clicks_are_refused_before_they_do_anything(
    member: Client, bob: User, kwip: Kwip, settings, what: str
) -> None:
    of_kwip = what.endswith("favourite")
    scope = "favourite" if of_kwip else "follow"
    settings.LIMITS = settings.LIMITS | {scope: "2/10m"}
    address = f"/kwip/{kwip.pk}/{what}/" if of_kwip else f"/{bob.username}/{what}/"
    opposite = address.replace(what, what.removeprefix("un") if what[:2] == "un" else f"un{what}")
    assert [member.post(one).status_code for one in (address, opposite)] == [302, 302]
    before = Favourite.objects.count(), User.objects.get(pk=bob.pk).followers_count
    for asked in (address, opposite):
        page = member.post(asked)
        assert page.status_code == 429
        assert 590 < int(page["Retry-After"]) <= 600
        assert "10 minutes" in page.content.decode()
        answer = ask(member, asked)
        assert (answer.status_code, "10 minutes" in answer.json()["error"]) == (429, True)
    assert (Favourite.objects.count(), User.objects.get(pk=bob.pk).followers_count) == before
    let_pass(601)
    assert member.post(address).status_code == 302


def test_too_many_changes_of_a_profile_come_back_with_what_was_typed(
    member: Client, ann: User, settings
) -> None:
    settings.LIMITS = settings.LIMITS | {"profile": "2/1h"}
    for name in ("one", "two"):
        assert member.post("/settings/", {"display_name": name, "bio": ""}).status_code == 302
    answer = member.post("/settings/", {"display_name": "three", "bio": "my <long> bio"})
    assert answer.status_code == 429
    assert "my &lt;long&gt; bio" in answer.content.decode()
    assert member.post("/settings/picture/remove/").status_code == 429
    ann.refresh_from_db()
    assert (ann.display_name, ann.version) == ("two", 3)
    let_pass(3601)
    assert member.post("/settings/", {"display_name": "three", "bio": ""}).status_code == 302


def test_the_limits_are_those_that_were_decided() -> None:
    for scope, rate in {"profile": "20/1h", "favourite": "120/10m", "follow": "120/10m"}.items():
        assert django_settings.LIMITS[scope] == rate
