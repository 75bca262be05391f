"""Cache poisoning and leaks: no request changes the page that the next anonymous visitor gets."""

import random
import re
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from django.urls import get_resolver

from apps.accounts.models import User
from apps.drafts import actions as drafts
from apps.feeds.sitemaps import RANGE
from apps.graph.actions import follow
from apps.kwips import actions
from apps.messages import actions as messages
from apps.messages.models import Message
from apps.notifications import actions as notices
from apps.notifications.mail.unsubscribe import Subscription
from apps.notifications.models import OperatorMessage
from deploy.local.memcached import Memcached
from tests.support.http import Member
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)

CANARY = "canary7391"
# Documents without a viewer, the same for members.
DOCUMENTS = [
    "/robots.txt", "/manifest.webmanifest", "/sw.js", "/offline/", "/.well-known/security.txt",
    "/sitemap.xml",
]  # fmt: skip


class Got(NamedTuple):
    status: int
    head: str
    body: bytes

    @property
    def is_hit(self) -> bool:
        return "cache-status: pagecache; hit" in self.head


class Wire:
    """Sends raw bytes, also those that a client library refuses to send."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def request(self, target: str, *headers: str, method: str = "GET", host: str = "localhost:8000") -> Got:
        """The response; status 0 if the server closes the connection."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *headers, "", ""]
        for attempt in range(2):
            try:
                return self._exchange("\r\n".join(lines).encode("latin-1", "replace"), method)
            except OSError:
                self.close()
                if attempt:
                    return Got(0, "", b"")
        raise AssertionError

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchange(self, request: bytes, method: str) -> Got:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=30)
        self._socket.sendall(request)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        said = head.decode("latin-1").lower()
        length = re.search(r"content-length: (\d+)", said)
        wanted = int(length[1]) if length and method != "HEAD" else 0
        while len(body) < wanted:
            body += self._more()
        if "connection: close" in said or not length:
            self.close()  # late bytes must not become the next response
        return Got(int(said.split()[1]), said, body)

    def _more(self) -> bytes:
        assert self._socket is not None
        chunk = self._socket.recv(65536)
        if not chunk:
            raise ConnectionError
        return chunk


def entries(memcached: str) -> int:
    """The number of entries in memcached."""
    with socket.socket(socket.AF_UNIX) as wire:
        wire.connect(memcached.removeprefix("unix:"))
        wire.sendall(b"stats\r\n")
        stats = b""
        while b"END" not in stats:
            stats += wire.recv(65536)
    found = re.search(rb"curr_items (\d+)", stats)
    assert found
    return int(found[1])


@contextmanager
def own_memcached(beside: str) -> Iterator[str]:
    server = Memcached(Path(beside.removeprefix("unix:")).parent, name="leaks")
    server.start()
    try:
        yield server.address
    finally:
        server.stop()


def is_document(address: str) -> bool:
    return address in DOCUMENTS or "feed.atom" in address or address.startswith("/sitemap-")


def is_part(address: str) -> bool:
    """Whether it is a part of a page: what a member gets differs in the buttons."""
    return address.endswith("/part/")


class Matrix(NamedTuple):
    """Addresses of every page."""

    public: list[str]
    private: list[str]
    ann: User


class Site(NamedTuple):
    port: int
    memcached: str
    public: list[str]
    private: list[str]
    ann: User


@pytest.fixture
def matrix() -> Matrix:
    ann = User.objects.create_user("ann", "ann@example.org")
    bob = User.objects.create_user("bob", "bob@example.org")
    kwip = actions.publish(author=ann, text="tea", form_key=uuid.uuid4()).kwip
    kwip = actions.edit(kwip=kwip, text="a cup of #tea").kwip
    long = "with #milk? " + "or two? " * 700
    comment = actions.comment(author=bob, thread=kwip, text=long, form_key=uuid.uuid4()).kwip
    actions.publish(author=ann, text=f"{CANARY} for followers", form_key=uuid.uuid4(), followers_only=True)
    follow(follower=bob, followee=ann)
    actions.favourite(kwip=kwip, user=bob)
    messages.send(sender=ann, recipient=bob, text=f"{CANARY} for bob", form_key=uuid.uuid4())
    draft = drafts.save(owner=ann, fields={"text": [f"{CANARY} half"]}, form_key=uuid.uuid4()).draft
    message = OperatorMessage(text=f"{CANARY} for ann")
    notices.write_to_members(message=message, recipients=[ann.pk])
    public = [
        "/", "/everyone/", "/everyone/?sort=active", "/everyone/feed.atom", "/ann/", "/ann/?sort=active",
        "/ann/feed.atom", "/ann/followers/", "/ann/following/", f"/ann/kwip/{kwip.pk}/",
        f"/ann/kwip/{kwip.pk}/history/", f"/ann/kwip/{kwip.pk}/history/{kwip.revisions.get().pk}/",
        f"/bob/kwip/{comment.pk}/whole/", f"/bob/kwip/{comment.pk}/part/", "/tag/tea/", "/tag/tea/feed.atom",
        "/about/", "/about/keys/", "/rules/", "/conduct/", "/privacy/",
        "/people/", "/people/active/", "/tags/", "/ann/statistics/",
        *DOCUMENTS, f"/sitemap-kwips-{kwip.pk // RANGE}.xml", f"/sitemap-people-{ann.pk // RANGE}.xml",
    ]  # fmt: skip
    private = [
        "/everyone/new/", "/network/new/", "/ann/favourites/", "/ann/comments/", "/kwip/", "/settings/",
        "/settings/leave/", "/settings/face/", "/settings/keys/", "/settings/language/",
        "/settings/tokens/", "/api/network/", "/api/kwips/", "/api/",
        "/settings/by-mail/",
        "/accounts/back/token/",
        f"/kwip/{kwip.pk}/comment/", f"/kwip/{kwip.pk}/edit/", f"/kwip/{kwip.pk}/delete/", "/contact/",
        "/contact/thanks/", "/accounts/login/", "/accounts/signup/", "/accounts/logout/", "/accounts/email/",
        "/accounts/password/reset/", "/admin/", "/admin/login/", "/nobody/", "/ann/?before=x", "/readyz",
        "/welcome/", "/accounts/confirm-email/", "/accounts/confirm-email/key/", "/accounts/sessions/",
        *(f"/accounts/2fa/{rest}" for rest in (
            "", "authenticate/", "reauthenticate/", "trust/", "app/", "app/remove/", "codes/", "codes/new/",
            "passkeys/", "passkeys/add/", "passkeys/sign-in/", "passkeys/reauthenticate/", "passkeys/1/",
            "passkeys/1/remove/", "reset/", "stay/token/",
        )),
        "/settings/security/", "/accounts/login/code/confirm/",
        "/messages/", "/messages/bob/", "/messages/bob/delete/", "/settings/messages/",
        "/drafts/", "/drafts/keep/", *(f"/drafts/{draft.pk}/{what}" for what in ("", "later/", "delete/")),
        f"/drafts/{draft.pk}/cancel/",
        f"/messages/bob/{Message.objects.get(owner=ann).pk}/", "/people/complete/?q=bo",
        "/ann/shares/", "/bookmarks/", "/requests/", "/requests/sent/", "/settings/privacy/",
        "/search/", "/search/?q=tea",
        "/settings/mutes/", "/settings/blocks/", "/bob/mute/", f"/kwip/{comment.pk}/mute/",
        "/bob/report/", f"/kwip/{comment.pk}/report/", "/moderation/warning/",
        f"/messages/bob/{Message.objects.get(owner=ann).pk}/report/", f"/kwip/{kwip.pk}/why/", "/moderation/",
        "/moderation/1/", "/moderation/people/ann/", "/moderation/reports/1/", "/moderation/appeal/1:x/",
        "/settings/favourites/", "/settings/writing/", "/people/network/",
        "/notifications/", f"/notifications/message/{message.pk}/", "/invitations/",
        f"/invitation/{'0' * 40}/", "/settings/notices/",
        "/settings/export/", "/settings/export/7/", "/settings/import/", "/settings/import/upload/",
        urlsplit(Subscription(ann.pk).url).path,
    ]  # fmt: skip
    return Matrix(public, private, ann)


@pytest.fixture
def site(memcached: str, matrix: Matrix) -> Iterator[Site]:
    """A server for each test: its processes remember pages."""
    with own_memcached(memcached) as address, served(memcached=address, variables=VARIABLES) as port:
        yield Site(port, address, *matrix)


# One process, so that a second request hits its admission window; no rate limit for publishing.
VARIABLES = {"WEB_WORKERS": "1"}


def identities(member: Member) -> dict[str, list[str]]:
    return {
        "nobody": [],
        "junk cookie": [f"Cookie: theme={CANARY}; csrftoken={CANARY}; x"],
        "member": [f"Cookie: sessionid={member.cookies['sessionid']}"],
        "expired session": [f"Cookie: sessionid={CANARY}{CANARY}"],
        "empty authorization": ["Authorization: "],
        "authorization": [f"Authorization: Basic {CANARY}"],
        "flash message": [f"Cookie: messages={CANARY}"],
    }


Ask = Callable[[str], tuple[str, list[str], dict[str, str]]]
# Each attack: from a path to the request target, headers and options.
ATTACKS: dict[str, Ask] = {
    "plain": lambda at: (at, [], {}),
    "host": lambda at: (at, [], {"host": f"{CANARY}.example"}),
    "host with a port": lambda at: (at, [], {"host": "localhost:31337"}),
    "forwarded host": lambda at: (at, [f"X-Forwarded-Host: {CANARY}", f"X-Forwarded-Server: {CANARY}"], {}),
    "forwarded for": lambda at: (at, ["X-Forwarded-For: 9.9.9.9", f"X-Real-IP: {CANARY}"], {}),
    "forwarded scheme": lambda at: (
        at,
        ["X-Forwarded-Proto: https", "X-Forwarded-Port: 1", "X-Scheme: https"],
        {},
    ),
    "forwarded": lambda at: (at, [f"Forwarded: for=1;host={CANARY};proto=https"], {}),
    "original url": lambda at: (at, [f"X-Original-URL: /{CANARY}/", f"X-Rewrite-URL: /{CANARY}/"], {}),
    "method override": lambda at: (at, ["X-HTTP-Method-Override: POST", "X-Method-Override: PUT"], {}),
    "range": lambda at: (at, ["Range: bytes=0-9", "If-Range: x"], {}),
    "language": lambda at: (at, ["Accept-Language: de, fr", "Accept: application/json"], {}),
    "htmx": lambda at: (at, ["HX-Request: true", f"HX-Current-URL: {CANARY}"], {}),
    "semicolon": lambda at: (_put(at, f";{CANARY}"), [], {}),
    "line feed": lambda at: (_put(at, f"%0d%0aX-Evil:%20{CANARY}"), [], {}),
    "double slash": lambda at: ("/" + at, [], {}),
    "style sheet": lambda at: (_put(at, f"{CANARY}.css"), [], {}),
    "dots": lambda at: (_put(at, "../"), [], {}),
    "encoded": lambda at: (at.replace("/", "/%2e/", 1), [], {}),
    "no utf-8": lambda at: (_put(at, "%ff%fe"), [], {}),
    "long path": lambda at: (_put(at, CANARY * 300), [], {}),
    "tracking": lambda at: (_add(at, f"utm_source={CANARY}&fbclid={CANARY}&gclid=1"), [], {}),
    "head": lambda at: (at, [], {"method": "HEAD"}),
    "post": lambda at: (at, ["Content-Length: 0"], {"method": "POST"}),
    "options": lambda at: (at, ["Content-Length: 0"], {"method": "OPTIONS"}),
    "request id": lambda at: (at, [f"X-Request-ID: {CANARY}"], {}),
    "whole address": lambda at: (f"http://{CANARY}.example{at}", [], {}),
}


def _put(address: str, text: str) -> str:
    path, mark, query = address.partition("?")
    return f"{path}{text}{mark}{query}"


def _add(address: str, query: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}{query}"


def references(wire: Wire, site: Site) -> dict[str, Got]:
    """Each public page as an anonymous visitor gets it, from the cache."""
    found: dict[str, Got] = {}
    for address in site.public:
        for _ in range(3):
            got = wire.request(address)
        assert got.is_hit, address
        found[address] = got
        assert "set-cookie" not in got.head, address
        assert b"csrf" not in got.body
        assert CANARY.encode() not in got.body
    return found


def is_public(head: str) -> bool:
    """Whether a cache of others may keep it: other headers have names with the word in them."""
    return bool(re.search(r"^cache-control:.*\bpublic\b", head, re.MULTILINE))


def test_no_attack_changes_the_next_anonymous_page(site: Site) -> None:
    wire, member = Wire(site.port), Member(site.port, site.ann)
    reference = references(wire, site)
    for name, cookies in identities(member).items():
        before = entries(site.memcached)
        for attack, build in ATTACKS.items():
            for address in site.public:
                target, headers, options = build(address)
                got = wire.request(target, *cookies, *headers, **options)
                clean = wire.request(address)
                assert clean.body == reference[address].body, (name, attack, address)
                assert clean.is_hit, (name, attack, address)
                assert CANARY not in clean.head
                # A member's request caches sessions, people and cards, too.
                if name != "member":
                    after = entries(site.memcached)
                    assert after <= before + 1, (name, attack, address)
                    before = after
                if got.is_hit and options.get("method") != "HEAD":
                    assert got.body == reference[address].body, (name, attack, address)
                if name in ("member", "expired session", "authorization", "empty authorization"):
                    assert not is_public(got.head), (name, attack, address)


def test_made_up_addresses_are_not_found_however_often_and_leave_nothing(site: Site) -> None:
    wire = Wire(site.port)
    references(wire, site)
    before = entries(site.memcached)
    for address in ("/tag/word{}/", "/tag/word{}/feed.atom", "/person{}/", "/ann/kwip/{}/"):
        for number in range(10_000, 10_025):
            for _ in range(4):
                assert wire.request(address.format(number)).status == 404
        assert entries(site.memcached) == before, address


def test_a_page_that_is_not_public_is_never_cached(site: Site) -> None:
    wire, member = Wire(site.port), Member(site.port, site.ann)
    for address in site.private:
        for name, cookies in identities(member).items():
            for _ in range(2):
                got = wire.request(address, *cookies)
                assert "cache-status" not in got.head, address
                assert not is_public(got.head), address
                stored = "private, no-cache" in got.head and name == "member"
                assert "no-store" in got.head or stored, address


def test_every_address_of_the_site_is_in_the_matrix(matrix: Matrix) -> None:
    """A new page must be in the matrix; URLs of allauth and the admin are exempt."""
    from django.urls import Resolver404, resolve

    ours = {
        pattern.name
        for entry in get_resolver().url_patterns
        for pattern in (getattr(entry, "url_patterns", None) or [entry])
        if getattr(pattern, "callback", None) and pattern.callback.__module__.startswith(("apps.", "kwippy."))
    }
    attacked = set()
    for address in matrix.public + matrix.private:
        with suppress(Resolver404):
            attacked.add(resolve(address.partition("?")[0]).url_name)
    # POST only, files, or restricted to networks.
    others = {"follow", "unfollow", "favourite", "unfavourite", "picture", "remove_picture", None}
    others |= {"track", "untrack", "clear_notifications", "of_the_day", "revoke_invitation", "mail_try_again"}
    others |= {"by_mail_off", "header", "remove_header", "kwip_pictures"}
    others |= {"moderation_note", "buzz", "share", "unshare", "bookmark", "unbookmark"}
    others |= {"accept_follow_request", "refuse_follow_request", "accept_all_follow_requests", "narrow"}
    others |= {"take_back", "pin", "block", "unblock", "unmute", "apply_import"}
    others |= {"revoke_token", "revoke_tokens"}
    others |= {"end_all_sessions", "csp_reports", "password_change"}
    others |= {"rename", "end_session", "send_confirmation_again", "change_sign_up_address"}
    assert ours - attacked <= others


def test_a_thousand_random_queries_make_one_entry_at_most(site: Site) -> None:
    wire, chance = Wire(site.port), random.Random(7)
    reference = references(wire, site)
    before = entries(site.memcached)
    letters = "abcxyz%&=+;[]_-.~0123456789"
    for number in range(1000):
        query = "".join(chance.choices(letters, k=chance.randrange(1, 40))).replace("%", "%25")
        address = chance.choice(["/", "/everyone/", "/ann/", "/tag/tea/"])
        got = wire.request(f"{address}?{query}", f"X-Any: {number}", f"Cookie: c{number}=1")
        assert got.body == reference[address].body, query
        assert got.is_hit, query
    assert entries(site.memcached) == before


@pytest.mark.asvs("14.2.2")
def test_a_members_page_is_never_served_to_an_anonymous_visitor(site: Site) -> None:
    wire, member = Wire(site.port), Member(site.port, site.ann)
    for address in site.public:
        for _ in range(3):
            assert 'data-viewer="ann"' in member.get(address).text or is_document(address) or is_part(address)
            got = wire.request(address)
            assert b"data-viewer" not in got.body
        assert got.is_hit
        assert member.get(address).headers["Cache-Control"] in ("private, no-store", "private, no-cache")
