"""Each write purges what it changes, and leaves what it does not: every action against every public page."""

import gzip
import io
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.test import Client
from PIL import Image

from apps.accounts.actions import change_picture, change_profile
from apps.accounts.models import User
from apps.accounts.names import rename
from apps.feeds.sitemaps import RANGE
from apps.graph.actions import follow, unfollow
from apps.kwips import actions
from apps.kwips.models import Kwip
from apps.pagecache import wrapped
from apps.pagecache.management.commands.warmpages import request
from apps.pagecache.pages import Answer
from apps.pagecache.wsgi import called

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]


@dataclass
class Place:
    """Two people who talk: ann's kwip with bob's long comment, and bob's own kwip."""

    ann: User
    bob: User
    kwip: Kwip
    comment: Kwip
    other: Kwip
    followers_only: Kwip

    @property
    def pages(self) -> dict[str, str]:
        """Every public page, and the families (but for people) that it belongs to."""
        return {
            "/": "everyone",
            "/everyone/": "everyone",
            "/everyone/?sort=active": "everyone",
            "/everyone/feed.atom": "everyone",
            "/ann/": "ann",
            "/ann/?sort=active": "ann",
            "/ann/feed.atom": "ann",
            "/ann/followers/": "ann bios",
            "/ann/following/": "ann bios",
            "/bob/": "bob",
            "/bob/feed.atom": "bob",
            "/bob/followers/": "bob bios",
            f"/ann/kwip/{self.kwip.pk}/": "kwip",
            f"/ann/kwip/{self.kwip.pk}/history/": "kwip",
            f"/ann/kwip/{self.kwip.pk}/history/{self.kwip.revisions.get(text='tea').pk}/": "kwip",
            f"/bob/kwip/{self.comment.pk}/history/": "comment",
            f"/bob/kwip/{self.comment.pk}/whole/": "comment",
            f"/bob/kwip/{self.other.pk}/": "other",
            "/tag/tea/": "tea",
            "/tag/tea/feed.atom": "tea",
            "/tag/milk/": "milk",
            "/about/": "about",
            "/sitemap.xml": "everyone names",
            f"/sitemap-kwips-{self.kwip.pk // RANGE}.xml": "everyone",
            f"/sitemap-people-{self.ann.pk // RANGE}.xml": "names",
            "/robots.txt": "about",
            "/manifest.webmanifest": "about",
            "/.well-known/security.txt": "about",
        }


def write(author: User, text: str, **options: Any) -> Kwip:
    return actions.publish(author=author, text=text, form_key=uuid.uuid4(), **options)


def reply(author: User, thread: Kwip, text: str) -> Kwip:
    return actions.comment(author=author, thread=thread, text=text, form_key=uuid.uuid4())


@pytest.fixture
def place() -> Place:
    ann, bob, cee = (User.objects.create_user(name, f"{name}@example.org") for name in ("ann", "bob", "cee"))
    for person in (ann, bob, cee):
        person.set_password("correct horse battery")
        person.save()
    kwip = actions.edit(kwip=write(ann, "tea"), text="a cup of #tea")
    comment = reply(bob, kwip, "with #milk? " + "or two? " * 700)
    other = write(bob, "something else")
    follow(follower=cee, followee=ann)
    follow(follower=ann, followee=cee)
    return Place(ann, bob, kwip, comment, other, write(ann, "between us, #tea", followers_only=True))


def picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (64, 64), "green").save(made, "WEBP")
    return made.getvalue()


def admin_deactivates(place: Place) -> None:
    bob = User.objects.get(pk=place.bob.pk)
    bob.is_active = False
    bob.save()


def admin_renames(place: Place) -> None:
    rename(user_id=place.bob.pk, username="robert")


def signs_in(place: Place) -> None:
    assert Client().login(username="bob", password="correct horse battery")


def changes_password(place: Place) -> None:
    client = Client()
    client.force_login(place.bob)
    user = client.get("/settings/").wsgi_request.user
    user.set_password("another horse battery")
    user.save()


def looks_around(place: Place) -> None:
    client = Client()
    client.force_login(place.bob)
    for path in place.pages:
        assert client.get(path).status_code == 200


def twice(action: Callable[[Place], object]) -> Callable[[Place], None]:
    """The second time nothing changes: prepared by the first."""

    def again(place: Place) -> None:
        action(place)

    again.first = action  # type: ignore[attr-defined]
    return again


ACTIONS: list[tuple[str, Callable[[Place], object], str]] = [
    ("publish", lambda p: write(p.ann, "more #tea"), "everyone ann tea"),
    ("publish without a tag", lambda p: write(p.bob, "hm"), "everyone bob"),
    ("publish for followers", lambda p: write(p.ann, "hush #tea", followers_only=True), "ann"),
    ("edit", lambda p: actions.edit(kwip=p.kwip, text="no drink"), "everyone ann kwip comment tea milk"),
    ("edit, new tag", lambda p: actions.edit(kwip=p.other, text="#milk"), "everyone bob other milk"),
    ("edit to the same", lambda p: actions.edit(kwip=p.kwip, text=p.kwip.text), ""),
    ("edit a comment", lambda p: actions.edit(kwip=p.comment, text="#tea"), "kwip comment milk tea"),
    ("edit for followers", lambda p: actions.edit(kwip=p.followers_only, text="#milk"), ""),
    ("delete", lambda p: actions.delete(kwip=p.kwip), "everyone ann bob kwip comment tea milk"),
    ("delete a comment", lambda p: actions.delete(kwip=p.comment), "everyone ann bob kwip comment tea milk"),
    ("delete for followers", lambda p: actions.delete(kwip=p.followers_only), "ann"),
    ("comment", lambda p: reply(p.bob, p.kwip, "and #milk"), "everyone ann bob kwip tea milk"),
    ("comment for followers", lambda p: reply(p.ann, p.followers_only, "#milk"), "ann"),
    ("favourite", lambda p: actions.favourite(kwip=p.kwip, user=p.bob), "everyone ann bob kwip tea"),
    ("favourite a comment", lambda p: actions.favourite(kwip=p.comment, user=p.ann), "ann kwip comment milk"),
    ("favourite again", twice(lambda p: actions.favourite(kwip=p.kwip, user=p.bob)), ""),
    ("unfavourite nothing", lambda p: actions.unfavourite(kwip=p.kwip, user=p.bob), ""),
    ("follow", lambda p: follow(follower=p.bob, followee=p.ann), "ann bob"),
    ("follow again", twice(lambda p: follow(follower=p.bob, followee=p.ann)), ""),
    ("unfollow nobody", lambda p: unfollow(follower=p.bob, followee=p.ann), ""),
    ("change a name", lambda p: change_profile(user=p.bob, display_name="Bob", bio=""), "people"),
    ("change a bio", lambda p: change_profile(user=p.bob, display_name="", bio="hi"), "bob bios"),
    ("change nothing", lambda p: change_profile(user=p.bob, display_name="", bio=""), ""),
    ("change a picture", lambda p: change_picture(user=p.bob, picture=picture()), "people"),
    ("deactivate", admin_deactivates, "people"),
    ("rename", admin_renames, "people"),
    ("sign up", lambda p: User.objects.create_user("dee", "dee@example.org"), "names"),
    ("sign in", signs_in, ""),
    ("change a password", changes_password, ""),
    ("look around", looks_around, ""),
]


def asked(application: Any, path: str, *, warm: bool = False) -> Answer:
    environ = request(path)
    if not warm:
        del environ["pagecache.warm"]
    return called(application, environ)


def is_kept(answer: Answer) -> bool:
    return dict(answer.headers).get("Cache-Status") == "pagecache; hit"


@pytest.mark.parametrize(("action", "purged"), [row[1:] for row in ACTIONS], ids=[row[0] for row in ACTIONS])
def test_an_action_purges_the_pages_that_it_changes_and_no_others(
    place: Place, action: Callable[[Place], object], purged: str, settings: Any
) -> None:
    getattr(action, "first", lambda _: None)(place)
    pages = place.pages
    site = wrapped(WSGIHandler())
    for path in pages:
        asked(site, path, warm=True)
        assert is_kept(asked(site, path)), path
    action(place)
    expected = {
        path
        for path, families in pages.items()
        if set(families.split()) & set(purged.split()) or (purged == "people" and families != "about")
    }
    answers = {path: asked(site, path) for path in pages}
    assert {path for path, answer in answers.items() if not is_kept(answer)} == expected
    # What was left is what Django would show now.
    settings.PAGECACHE = settings.PAGECACHE | {"RELEASE": "afresh"}
    afresh = wrapped(WSGIHandler())
    for path, answer in answers.items():
        assert answer.body == asked(afresh, path).body, path


def test_every_public_page_is_in_the_table(place: Place) -> None:
    """A page that is made public without a row above would be purged by nobody knows what."""
    from django.urls import get_resolver

    def public(patterns: list[Any]) -> set[str]:
        found: set[str] = set()
        for pattern in patterns:
            if hasattr(pattern, "url_patterns"):
                found |= public(pattern.url_patterns)
            elif hasattr(pattern.callback, "public_page"):
                found.add(pattern.name)
        return found

    from django.urls import resolve

    in_table = {resolve(path.partition("?")[0]).url_name for path in place.pages}
    assert public(get_resolver().url_patterns) == in_table


def test_public_pages_read_no_session_and_hold_no_token(place: Place) -> None:
    site = wrapped(WSGIHandler())
    for path in place.pages:
        answer = asked(site, path, warm=True)
        names = {name for name, _ in answer.headers}
        assert not names & {"Set-Cookie", "Server-Timing", "X-Request-ID"}, path
        body = gzip.decompress(answer.body) if dict(answer.headers).get("Content-Encoding") else answer.body
        assert b"csrf" not in body, path
        assert b"data-viewer" not in body, path


def test_popular_pages_can_be_warmed(place: Place) -> None:
    told = io.StringIO()
    call_command("warmpages", stdout=told)
    assert told.getvalue() == "10 pages made, 0 kept already, 0 not public.\n"
    site = wrapped(WSGIHandler())
    for path in ("/", "/everyone/", "/ann/", "/bob/", "/tag/tea/", f"/ann/kwip/{place.kwip.pk}/"):
        assert is_kept(asked(site, path)), path
    again = io.StringIO()
    call_command("warmpages", "/ann/", "/contact/", "/nobody/", "/bob/followers/", stdout=again, verbosity=2)
    assert again.getvalue().splitlines() == [
        "/ann/: hit",
        "/contact/: no public page",
        "/nobody/: no public page",
        "/bob/followers/: fwd=miss",
        "1 pages made, 1 kept already, 2 not public.",
    ]
    assert settings.PAGECACHE is not None
