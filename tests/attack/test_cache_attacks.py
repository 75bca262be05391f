"""Headers, arguments and spellings that shall poison a cache or fetch a member's page from it, as deployed.

nginx with TLS in front of gunicorn, both with their caches. Each attack has pages of its own that nobody
asked for before, so that its answer is the one that would be kept. What gunicorn alone does:
`tests/pages/test_cache_leaks.py`.
"""

import itertools
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from apps.accounts.models import User
from apps.drafts import actions as drafts
from apps.kwips import actions
from deploy.local.edge import DeployedEdge
from tests.support.edge import deployed_edge
from tests.support.http import Response, TlsClient, session_key
from tests.support.site import served

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asvs("14.2.2", "14.2.5", "4.1.3")]

DOMAIN = "kwippy.example"
CANARY = "canary7391"
EVIL = f"{CANARY}.example"

HEADERS: dict[str, dict[str, str]] = {
    "X-Forwarded-Host": {"X-Forwarded-Host": EVIL},
    "two X-Forwarded-Hosts": {"X-Forwarded-Host": f"{DOMAIN}, {EVIL}"},
    "X-Host": {"X-Host": EVIL},
    "X-Forwarded-Server": {"X-Forwarded-Server": EVIL},
    "X-HTTP-Host-Override": {"X-HTTP-Host-Override": EVIL},
    "Forwarded": {"Forwarded": f"for=1.2.3.4;host={EVIL};proto=http"},
    "X-Forwarded-Proto": {"X-Forwarded-Proto": "http"},
    "X-Forwarded-Protocol": {"X-Forwarded-Protocol": "ssl", "Front-End-Https": "off"},
    "X-Forwarded-Scheme": {"X-Forwarded-Scheme": CANARY, "X-Scheme": CANARY},
    "X-Forwarded-Port": {"X-Forwarded-Port": "1337"},
    "X-Forwarded-Prefix": {"X-Forwarded-Prefix": f"/{CANARY}"},
    "X-Script-Name": {"X-Script-Name": f"/{CANARY}", "SCRIPT_NAME": f"/{CANARY}"},
    "X-Original-URL": {"X-Original-URL": f"/{CANARY}/"},
    "X-Rewrite-URL": {"X-Rewrite-URL": f"/{CANARY}/"},
    "X-Original-Host": {"X-Original-Host": EVIL},
    "X-HTTP-Method-Override": {"X-HTTP-Method-Override": "POST"},
    "X-Method-Override": {"X-Method-Override": "DELETE", "X-HTTP-Method": "PUT"},
    "X-Forwarded-For": {"X-Forwarded-For": f"127.0.0.1, {CANARY}"},
    "X-Real-IP": {"X-Real-IP": "127.0.0.1", "True-Client-IP": CANARY, "CF-Connecting-IP": CANARY},
    "X-Request-ID": {"X-Request-ID": CANARY},
    "Range": {"Range": "bytes=0-9"},
    "If-Range": {"Range": "bytes=0-9", "If-Range": CANARY},
    "If-None-Match": {"If-None-Match": "*"},
    "If-Modified-Since": {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
    "Accept": {"Accept": "application/json"},
    "Accept-Language": {"Accept-Language": f"de, {CANARY}"},
    "Accept-Encoding": {"Accept-Encoding": "br, zstd, gzip;q=0"},
    "Accept-Charset": {"Accept-Charset": "utf-7"},
    "User-Agent": {"User-Agent": f"<script>{CANARY}"},
    "Referer": {"Referer": f"https://{EVIL}/"},
    "Origin": {"Origin": f"https://{EVIL}"},
    "HX-Request": {"HX-Request": "true", "HX-Target": CANARY, "HX-Current-URL": EVIL},
    "X-Requested-With": {"X-Requested-With": "XMLHttpRequest"},
    "Purpose": {"Purpose": "prefetch", "Sec-Purpose": "prefetch", "Sec-Fetch-Dest": "script"},
    "Cache-Control": {"Cache-Control": "no-cache, max-age=0, only-if-cached", "Pragma": "no-cache"},
    "Cookie": {"Cookie": f"theme={CANARY}; csrftoken={CANARY}; django_language=de"},
    "a member's cookie": {"Cookie": "sessionid={session}; __Host-sessionid={session}"},
    "quoted cookie": {"Cookie": '"__Host-sessionid"={session}'},
    "Authorization": {"Authorization": f"Bearer {CANARY}"},
    "Upgrade": {"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMA"},
    "hop by hop": {"Connection": "close, X-Forwarded-Proto, Host, Cookie"},
    "Expect": {"Expect": CANARY},
    "long header": {"X-Long": CANARY * 300},
}  # fmt: skip
QUERIES = [
    f"?utm_source={CANARY}", f"?{CANARY}", f"?sort={CANARY}", f"?SORT={CANARY}",
    f"?sort=latest&sort={CANARY}", f"?sort=latest;x={CANARY}", f"?%73ort={CANARY}", f"?sort[]={CANARY}",
    f"?_method=POST&x={CANARY}", f"?callback={CANARY}", f"?lang={CANARY}&language={CANARY}",
    f"?next=https://{EVIL}/", f"?x=%0d%0aX-Evil:{CANARY}", f"?x=%3Cscript%3E{CANARY}",
    f"?{CANARY}=%ff%fe", f"??{CANARY}", f"?format=json&x={CANARY}", f"?x={'a' * 1500}{CANARY}",
]  # fmt: skip


class Site(NamedTuple):
    edge: DeployedEdge
    gunicorn: int
    member: User


@pytest.fixture
def site(memcached: str, tmp_path: Path) -> Iterator[Site]:
    member = User.objects.create_user("mia", f"{CANARY}@example.org", display_name=CANARY)
    drafts.save(owner=member, fields={"text": [f"{CANARY} half"]}, form_key=uuid.uuid4())
    # TRUSTED_PROXIES as deployed: nginx alone is believed.
    variables = {
        "SITE_URL": f"https://{DOMAIN}",
        "BEHIND_TLS_PROXY": "true",
        "TRUSTED_PROXIES": "127.0.0.1/32",
    }
    with (
        served(memcached=memcached, workers=1, variables=variables, host=DOMAIN, patient=True) as port,
        deployed_edge(tmp_path / "edge", gunicorn=port, domain=DOMAIN) as nginx,
    ):
        yield Site(nginx, port, member)


class Clients:
    """Clients of different addresses in turn: none of them meets nginx's limit of requests."""

    def __init__(self, site: Site) -> None:
        edge = site.edge
        addresses = (
            f"127.0.{number // 250}.{number % 250 + 1}" for number in itertools.cycle(range(1, 5000))
        )
        self._clients = (TlsClient(edge.port, DOMAIN, edge.certificate, address) for address in addresses)

    def request(self, path: str, *, method: str = "GET", headers: dict[str, str] | None = None) -> Response:
        return next(self._clients).request(path, method=method, headers=headers)


def pages_of_new_person(number: int) -> list[str]:
    name, tag = f"person{number}", f"tea{number}"
    person = User.objects.create_user(name, f"p{number}@example.org")
    kwip = actions.publish(author=person, text=f"a cup of #{tag}", form_key=uuid.uuid4()).kwip
    return [
        f"/{name}/",
        f"/{name}/kwip/{kwip.pk}/",
        f"/tag/{tag}/",
        f"/{name}/feed.atom",
        f"/{name}/followers/",
    ]


def plain(response: Response) -> str:
    return response.text if response.body else ""


def told(response: Response) -> str:
    return f"{response.headers.as_string()}\n{plain(response)}"


def test_no_header_and_no_argument_changes_the_page_of_the_next_visitor(site: Site) -> None:
    clients, session = Clients(site), session_key(site.member)
    attacks = [(name, "", headers) for name, headers in HEADERS.items()]
    attacks += [(query, query, {}) for query in QUERIES]
    wrong = []
    for number, (name, query, headers) in enumerate(attacks):
        sent = {header: value.format(session=session) for header, value in headers.items()}
        for path in pages_of_new_person(number):
            for method in ("GET", "GET") if number % 3 else ("HEAD", "GET"):
                clients.request(path + query, method=method, headers=sent)
            clean = clients.request(path)
            # The cookie keeps both caches out of it.
            fresh = clients.request(path, headers={"Cookie": "messages=x"})
            if (clean.status, plain(clean)) != (200, plain(fresh)) or CANARY in told(clean):
                wrong.append(f"{name} at {path}: {clean.status}")
            if "Set-Cookie" in clean.headers or clean.headers["Location"] is not None:
                wrong.append(f"{name} at {path}: a cookie or a redirect is kept")
    assert not wrong, "\n".join(wrong)


# What a server may take for a file, and what a cache may take for another page.
SPELLINGS = [
    "{at}x.css", "{at}x.js", "{at}x.webp", "{at}x.ico", "{at}robots.txt", "{at};x.css", "{at}%3bx.css",
    "{at}%2fx.css", "{at}%00.css", "{at}%0a.css", "{at}%23.css", "{at}%3fx.css", "{at}?x.css",
    "{at}?/everyone/", "{at}..%2fx.css", "{at}%2e%2e/static/base.css", "{at}.css", "{at}%20.css",
    "{at}\\x.css", "{at}%5cx.css", "/static/..%2f{bare}", "/static/../{bare}", "/media/..%2f{bare}",
    "/media/../{bare}", "/everyone/..%2f{bare}", "/everyone/../{bare}",
    "/everyone/feed.atom/../../{bare}", "/./{bare}", "//{bare}", "/everyone/%2e%2e/{bare}",
    "{at}#/everyone/", "/about/..;/{bare}", "/.well-known/..%2f{bare}",
]  # fmt: skip
PRIVATE = ["/", "/settings/", "/drafts/", "/notifications/", "/accounts/email/", "/everyone/"]


def test_what_a_member_was_lured_to_ask_for_is_not_served_to_the_next_visitor(site: Site) -> None:
    clients = Clients(site)
    cookie = {"Cookie": f"__Host-sessionid={session_key(site.member)}"}
    assert CANARY in told(clients.request("/settings/", headers=cookie)), "the member is signed in"
    wrong = []
    for at in PRIVATE:
        for spelling in SPELLINGS:
            path = spelling.format(at=at, bare=at.lstrip("/"))
            for _ in range(2):
                shown = clients.request(path, headers=cookie)
                kept = shown.headers["Cache-Control"] or ""
                if CANARY in told(shown) and "private" not in kept:
                    wrong.append(f"{path} may be kept: {kept}")
            for _ in range(2):
                after = clients.request(path)
                if any(word in told(after) for word in (CANARY, "data-viewer", "csrfmiddlewaretoken")):
                    wrong.append(f"{path}: {after.status}")
    # Forms for everyone have a token of their own visitor, and are not kept.
    assert not wrong, "\n".join(wrong)


@pytest.mark.asvs("15.3.7")
def test_of_an_argument_that_is_given_twice_one_counts_for_all_servers(site: Site) -> None:
    clients = Clients(site)
    for path in ("/everyone/?sort=active&sort=latest", "/everyone/?sort=latest&sort=active"):
        found = {plain(clients.request(path)) for _ in range(3)}
        assert len(found) == 1, path
