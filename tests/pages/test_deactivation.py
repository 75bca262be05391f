"""Deactivating a person hides them and their kwips on all pages; reactivating restores them."""

import gzip
import re
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client

from apps.accounts import actions as people
from apps.accounts.models import OffReason, User
from apps.graph.actions import follow
from apps.keyset.cursor import AS_OF_CURSOR
from apps.kwips import actions, sharing
from apps.kwips.models import Kwip
from apps.pagecache import wrapped
from apps.pagecache.management.commands.warmpages import warming_request
from apps.pagecache.wsgi import response_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]

NAMES = ("ann", "bob", "cee")
VIEWERS = ("anonymous", "member", "follower")
# Values that differ in each response: tokens, form keys, and when a walk began.
FRESH = re.compile(r'value="(?:\w{64}|[0-9a-f]{8}-[0-9a-f-]{27})"')


def write(author: User, text: str, **options: Any) -> Kwip:
    return actions.publish(author=author, text=f"{text} says-{author}", form_key=uuid.uuid4(), **options).kwip


def reply(author: User, thread: Kwip, text: str) -> Kwip:
    text = f"{text} says-{author} below-{thread.author}"
    return actions.comment(author=author, thread=thread, text=text, form_key=uuid.uuid4()).kwip


@dataclass
class Place:
    """Three people who write, comment, mention, follow and favourite each other, and two viewers."""

    people: dict[str, User]
    kwips: list[Kwip]

    @property
    def pages(self) -> list[str]:
        of_person = (
            "", "?sort=active", "feed.atom", "followers/", "following/", "favourites/", "comments/",
            "shares/",
        )  # fmt: skip
        return [
            "/", "/?sort=active", "/everyone/", "/everyone/?sort=active", "/everyone/feed.atom",
            "/tag/tea/", "/tag/tea/feed.atom",
            *(f"/{name}/{page}" for name in (*NAMES, "member") for page in of_person),
            *(f"/{kwip.author}/kwip/{kwip.pk}/" for kwip in self.kwips),
            *(f"/{kwip.author}/kwip/{kwip.pk}/history/" for kwip in self.kwips[:2]),
        ]  # fmt: skip


@pytest.fixture
def place() -> Place:
    made = {
        name: User.objects.create_user(
            name, f"{name}@example.org", display_name=f"Display {name}", bio=f"bio-of-{name}"
        )
        for name in (*NAMES, "member", "follower")
    }
    trio = [made[name] for name in NAMES]
    kwips = []
    for author in trio:
        for other in trio:
            if other != author:
                follow(follower=author, followee=other)
        follow(follower=made["follower"], followee=author)
        follow(follower=author, followee=made["member"])
        kwips += [write(author, "#tea for @ann, @bob and @cee"), write(author, "#tea", followers_only=True)]
    kwips.append(write(made["member"], "#tea with @ann, @bob and @cee"))
    comments = [
        reply(author, thread, f"#tea, @{thread.author}?")
        for thread in kwips
        if not thread.followers_only
        for author in (*trio, made["member"])
    ]
    for fan in (*trio, made["member"]):
        for kwip in (*kwips[::2], comments[0], comments[5]):
            actions.favourite(kwip=kwip, user=fan)
        for kwip in kwips[::2]:
            if kwip.author != fan:
                sharing.share(kwip=kwip, user=fan)
    return Place(made, kwips)


def by_action(person: User, is_active: bool) -> None:
    (people.switch_on if is_active else people.switch_off)(people=[person], by=None)


def by_save(person: User, is_active: bool) -> None:
    row = User.objects.get(pk=person.pk)
    row.is_active = is_active
    row.save()


def operator() -> Client:
    found = User.objects.filter(username="opera").first()
    client = Client()
    client.force_login(found or User.objects.create_superuser("opera", "opera@example.org", "-"))
    return client


def by_admin_action(person: User, is_active: bool) -> None:
    name = "switch_on" if is_active else "switch_off"
    form = {"action": name, "_selected_action": [person.pk]}
    assert operator().post("/admin/accounts/user/", form).status_code == 302


WAYS = {
    "action": by_action,
    "save": by_save,
    "admin action": by_admin_action,
}


class Viewer:
    """Requests pages as a browser does, cached pages included."""

    def __init__(self, name: str, place: Place) -> None:
        self.site = wrapped(WSGIHandler())
        self.client = Client()
        self.name = name
        if name != "anonymous":
            self.client.force_login(place.people[name])

    def get(self, path: str) -> tuple[int, str]:
        if self.name == "anonymous":
            answer = response_of(self.site, warming_request(path))
            encoded = dict(answer.headers).get("Content-Encoding")
            body = (gzip.decompress(answer.body) if encoded else answer.body).decode()
            status = int(str(answer.status).split()[0])
        else:
            got = self.client.get(path)
            status, body = got.status_code, got.content.decode()
        return status, AS_OF_CURSOR.sub(b"", FRESH.sub("", body).encode()).decode()


def traces(body: str, name: str) -> list[str]:
    """The traces of a person on a page: kwips, comments below them, links, names."""
    marks = (f"says-{name}", f"below-{name}", f"Display {name}", f"bio-of-{name}", f"/{name}/")
    return [mark for mark in marks if mark in body]


@pytest.mark.parametrize(
    ("off", "way"),
    [*((name, "action") for name in NAMES), *(("ann", way) for way in WAYS if way != "action")],
)
def test_no_page_shows_who_is_off_and_on_again_all_are_as_before(place: Place, off: str, way: str) -> None:
    viewers = [Viewer(name, place) for name in VIEWERS]
    before = {}
    for viewer in viewers:
        for path in place.pages:
            if viewer.name == "anonymous":
                viewer.get(path)  # the next response comes from the cache if the page is cacheable
            before[viewer.name, path] = viewer.get(path)
    assert sum(bool(traces(body, off)) for _, body in before.values()) > 60
    WAYS[way](place.people[off], False)
    for viewer in viewers:
        for path in place.pages:
            status, body = viewer.get(path)
            where = f"{viewer.name} at {path}"
            theirs = path.startswith(f"/{off}/")
            assert status == (404 if theirs else before[viewer.name, path][0]), where
            # The 404 page repeats the requested path.
            expected = {f"/{off}/"} if status == 404 else set()
            assert set(traces(body, off)) <= expected, where
            if status == 200:
                # Only their content is hidden.
                rest = [name for name in (*NAMES, "member") if name != off]
                shown = {name for name in rest if f"says-{name}" in before[viewer.name, path][1]}
                assert {name for name in rest if f"says-{name}" in body} >= shown, where
    WAYS[way](place.people[off], True)
    for viewer in viewers:
        for path in place.pages:
            assert viewer.get(path) == before[viewer.name, path], f"{viewer.name} at {path}"


def counts(client: Client, path: str) -> dict[str, str]:
    """The counters above a person's lists."""
    found = re.findall(r"<b>(\d+)</b> (\w+)</a></li>", client.get(path).content.decode())
    return {what.removesuffix("s"): number for number, what in found}


def test_the_counters_above_a_list_are_those_of_the_list(place: Place) -> None:
    """Of followers, followed people and kwips."""
    member, follower, bob = (Viewer(name, place).client for name in ("member", "follower", "bob"))
    assert counts(member, "/bob/") | {"kwip": "1", "follower": "3", "following": "3"} == counts(
        member, "/bob/"
    )
    assert counts(follower, "/bob/")["kwip"] == "2", "with the one for followers"
    assert counts(Client(), "/bob/")["kwip"] == "1"
    people.switch_off(people=[place.people["ann"]], by=None)
    for path in ("/bob/", "/bob/followers/", "/bob/following/", "/bob/favourites/", "/bob/comments/"):
        shown = counts(member, path)
        assert (shown["follower"], shown["following"]) == ("2", "2"), path
    assert counts(bob, "/bob/")["follower"] == "3"


def test_a_conversation_that_is_all_there_is_counted_as_it_is_shown(place: Place) -> None:
    address = f"/member/kwip/{place.kwips[-1].pk}/"
    anyone = Client()
    assert "4 comments" in anyone.get(address).content.decode()
    people.switch_off(people=[place.people["ann"]], by=None)
    assert "3 comments" in anyone.get(address).content.decode()


@pytest.mark.parametrize("off", NAMES)
def test_unseen_counts_and_deactivated_people_get_nothing_of_it(place: Place, off: str) -> None:
    member, theirs = Viewer("member", place).client, Viewer(off, place).client
    asked = re.search(r'data-news="([^"]+)"', member.get("/everyone/").content.decode())
    assert asked is not None
    write(place.people[off], "one more")
    assert member.get(asked[1]).json()["count"] == 1
    assert theirs.get("/settings/").status_code == 200
    people.switch_off(people=[place.people[off]], by=None)
    assert member.get(asked[1]).json()["count"] == 0
    assert theirs.get("/settings/").status_code == 302, "signed out at once"
    people.switch_on(people=[place.people[off]], by=None)
    assert member.get(asked[1]).json()["count"] == 1
    assert theirs.get("/settings/").status_code == 200


def test_what_is_hidden_cannot_be_acted_on(place: Place) -> None:
    client = Viewer("member", place).client
    ann, kwip = place.people["ann"], place.kwips[0]
    assert kwip.author == ann
    people.switch_off(people=[ann], by=None)
    for path in (
        f"/kwip/{kwip.pk}/favourite/",
        f"/kwip/{kwip.pk}/unfavourite/",
        f"/kwip/{kwip.pk}/comment/",
        "/ann/follow/",
    ):
        assert client.post(path, {"text": "hm"}).status_code == 404, path


def test_switching_twice_is_switching_once(place: Place) -> None:
    ann = place.people["ann"]
    assert people.switch_off(people=[ann], by=None) == [ann]
    assert people.switch_off(people=[ann], by=None) == []
    assert people.switch_on(people=[ann], by=None) == [ann]


def test_a_person_with_two_reasons_stays_off_until_both_are_removed(place: Place) -> None:
    ann = place.people["ann"]
    assert people.switch_off(people=[ann], by=None, reason=OffReason.LEAVING) == [ann]
    assert people.switch_off(people=[ann], by=None) == []
    assert people.switch_on(people=[ann], by=None, reason=OffReason.LEAVING) == []
    ann.refresh_from_db()
    assert not ann.is_active
    assert people.switch_on(people=[ann], by=None) == [ann]
    ann.refresh_from_db()
    assert ann.is_active


def test_a_person_whom_the_previous_release_switched_off_counts_as_suspended(place: Place) -> None:
    ann = place.people["ann"]
    User.objects.filter(pk=ann.pk).update(is_active=False)
    people.switch_off(people=[ann], by=None, reason=OffReason.LEAVING)
    assert people.switch_on(people=[ann], by=None, reason=OffReason.LEAVING) == []


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_an_operator_is_logged_with_who_did_it_to_whom(
    place: Place, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        WAYS[way](place.people["ann"], False)
        WAYS[way](place.people["ann"], True)
    entries = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    told = [(entry["event"], entry["person"], entry["by"]) for entry in entries if "person" in entry]
    by = {"action": "command line", "admin action": "opera"}.get(way)
    expected = [(f"person switched {to}", "ann", by) for to in ("off", "on")]
    assert told == (expected if by else [])  # `User.save` is not an action of an operator
