"""The scenario of the invalidation tests: three people, their kwips, and the public pages."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.core.handlers.wsgi import WSGIHandler

from apps.accounts.models import User
from apps.feeds.sitemaps import RANGE
from apps.graph.actions import follow
from apps.kwips import actions as kwips
from apps.kwips.models import Kwip
from apps.pagecache import wrapped
from apps.pagecache.management.commands.warmpages import warming_request
from apps.pagecache.responses import Response
from apps.pagecache.wsgi import Application, response_of

PASSWORD = "correct horse battery"


@dataclass
class Scenario:
    """A kwip of ann with a long comment of bob, a kwip of bob, and one of ann for her follower cee."""

    ann: User
    bob: User
    cee: User
    kwip: Kwip
    comment: Kwip
    other: Kwip
    followers_only: Kwip

    @property
    def pages(self) -> dict[str, str]:
        """Every public page, with its families except "people"."""
        documents = (".atom", ".xml", ".txt", ".webmanifest", ".js", "/offline/", "/part/")
        return {
            path: families if path.endswith(documents) else f"{families} announced"
            for path, families in self._families.items()
        }

    @property
    def _families(self) -> dict[str, str]:
        return {
            "/": "everyone day",
            "/everyone/": "everyone",
            "/everyone/?sort=active": "everyone",
            "/everyone/feed.atom": "everyone",
            "/ann/": "ann",
            "/ann/?sort=active": "ann",
            "/ann/feed.atom": "ann",
            "/ann/followers/": "ann bios",
            "/ann/following/": "ann bios",
            "/ann/statistics/": "ann",
            "/bob/": "bob",
            "/bob/feed.atom": "bob",
            "/bob/followers/": "bob bios",
            f"/ann/kwip/{self.kwip.pk}/": "kwip",
            f"/ann/kwip/{self.kwip.pk}/history/": "kwip",
            f"/ann/kwip/{self.kwip.pk}/history/{self.kwip.revisions.get(text='tea').pk}/": "kwip",
            f"/bob/kwip/{self.comment.pk}/history/": "comment",
            f"/bob/kwip/{self.comment.pk}/whole/": "comment",
            f"/bob/kwip/{self.comment.pk}/part/": "comment",
            f"/ann/kwip/{self.kwip.pk}/part/": "kwip",
            f"/bob/kwip/{self.other.pk}/": "other",
            "/tag/tea/": "tea",
            "/tag/tea/feed.atom": "tea",
            "/tag/milk/": "milk",
            "/people/": "names bios directory",
            "/people/active/": "bios directory",
            "/tags/": "directory",
            "/about/": "about",
            "/about/keys/": "about",
            "/rules/": "about rules",
            "/conduct/": "about",
            "/privacy/": "about",
            "/sitemap.xml": "everyone names",
            f"/sitemap-kwips-{self.kwip.pk // RANGE}.xml": "everyone",
            f"/sitemap-people-{self.ann.pk // RANGE}.xml": "names",
            "/robots.txt": "about",
            "/manifest.webmanifest": "about",
            "/sw.js": "about",
            "/offline/": "about",
            "/.well-known/security.txt": "about",
        }

    @property
    def members_pages(self) -> list[str]:
        """Pages for members that show entries of the look-aside cache: people and cards."""
        lists = ["/ann/", "/bob/", "/bob/comments/", "/ann/favourites/", "/bob/favourites/", "/tag/tea/"]
        lists += ["/bob/shares/", "/cee/shares/", "/bookmarks/"]
        return ["/", "/everyone/", f"/ann/kwip/{self.kwip.pk}/", *lists]

    @property
    def people(self) -> list[User]:
        return [self.ann, self.bob, self.cee]


def make_scenario() -> Scenario:
    ann, bob, cee = (
        User.objects.create_user(name, f"{name}@example.org", PASSWORD) for name in ("ann", "bob", "cee")
    )
    kwip = kwips.edit(kwip=write(ann, "tea"), text="a cup of #tea").kwip
    comment = reply(bob, kwip, "with #milk? " + "or two? " * 700)
    other = write(bob, "something else")
    follow(follower=cee, followee=ann)
    follow(follower=ann, followee=cee)
    return Scenario(ann, bob, cee, kwip, comment, other, write(ann, "between us, #tea", followers_only=True))


def write(author: User, text: str, **options: Any) -> Kwip:
    return kwips.publish(author=author, text=text, form_key=uuid.uuid4(), **options).kwip


def reply(author: User, thread: Kwip, text: str) -> Kwip:
    return kwips.comment(author=author, thread=thread, text=text, form_key=uuid.uuid4()).kwip


def site() -> Application:
    """The site behind the page cache of a new process."""
    return wrapped(WSGIHandler())


def get(application: Application, path: str, *, warm: bool = False) -> Response:
    environ = warming_request(path)
    if not warm:
        del environ["pagecache.warm"]
    return response_of(application, environ)


def is_hit(response: Response) -> bool:
    return dict(response.headers).get("Cache-Status") == "pagecache; hit"
