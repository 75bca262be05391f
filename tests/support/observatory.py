"""The rules by which Mozilla's HTTP Observatory grades a site, and some that it only recommends.

Its results are grades of a whole site; here each rule is held for each response. It grades, besides these,
whether a site is on the list of HSTS for all subdomains, which is the operator's choice.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

HALF_A_YEAR = 15_768_000
BROAD = {"*", "http:", "https:", "ftp:", "http://*", "https://*", "http://*.*", "https://*.*"}
INLINE = {"'unsafe-inline'", "data:"}
REFERRERS = {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}


@dataclass
class Answer:
    """A response, with lower-case names of headers; each has all its values."""

    url: str
    headers: dict[str, list[str]]
    text: str = ""
    cookies: list[str] = field(default_factory=list)

    def one(self, name: str) -> str:
        """The value of a header; "" without it, and what no rule accepts if it was sent twice."""
        values = self.headers.get(name, [])
        return values[0].strip() if len(values) == 1 else ", ".join(values)

    @property
    def is_secure(self) -> bool:
        return self.url.startswith("https:")

    @property
    def policy(self) -> dict[str, list[str]]:
        """The directives of its content security policy."""
        parts = [part.split() for part in self.one("content-security-policy").split(";") if part.strip()]
        return {name.lower(): sources for name, *sources in parts}


def faults(answer: Answer) -> list[str]:
    """What the Observatory would take points for."""
    rules = RULES_OF_DATA if answer.one("content-type") == "application/json" else RULES
    return [fault for rule in rules for fault in rule(answer)]


def policy(answer: Answer) -> Iterator[str]:
    found = answer.policy
    if not found:
        yield "no content security policy"
        return
    names = [part.split()[0] for part in answer.one("content-security-policy").split(";") if part.strip()]
    if len(names) != len(set(names)):
        yield "a directive of the policy twice"
    if found.get("default-src") != ["'none'"]:
        yield "default-src is not 'none'"
    for name in ("script-src", "style-src", "object-src"):
        sources = set(found.get(name, found.get("default-src", ["*"])))
        if sources & (BROAD | INLINE):
            yield f"{name} takes inline code, or any host"
        if "'unsafe-eval'" in sources:
            yield f"{name} takes 'unsafe-eval'"
    for name in ("base-uri", "form-action", "frame-ancestors"):
        # These have no default; `sandbox` stops forms and the scripts that a base could lead astray.
        if set(found.get(name, ["*"])) & (BROAD | INLINE):
            yield f"{name} is open"
    every = [source for name, listed in found.items() if not name.startswith("report-") for source in listed]
    if answer.is_secure and any(source.startswith(("http:", "ftp:")) for source in every):
        yield "the policy takes what comes without TLS"


def cookies(answer: Answer) -> Iterator[str]:
    for header in answer.cookies:
        for name, cookie in SimpleCookie(header).items():
            if answer.is_secure and not cookie["secure"]:
                yield f"cookie {name} without Secure"
            if re.search("sess|login", name, re.IGNORECASE) and not cookie["httponly"]:
                yield f"cookie {name} without HttpOnly"
            if cookie["samesite"].lower() not in ("lax", "strict"):
                yield f"cookie {name} without SameSite"


def sharing(answer: Answer) -> Iterator[str]:
    if "access-control-allow-origin" in answer.headers:
        yield "scripts of other sites may read it"


def redirection(answer: Answer) -> Iterator[str]:
    """To the same host, or a path: from plain HTTP to TLS first."""
    to = answer.one("location")
    there, here = urlsplit(to), urlsplit(answer.url)
    if to and there.netloc and there.hostname != here.hostname:
        yield f"a redirect to {there.hostname}"
    if to and there.scheme and there.scheme != "https" and (answer.is_secure or not here.port):
        yield "a redirect to plain HTTP"


def referrer(answer: Answer) -> Iterator[str]:
    if answer.one("referrer-policy") not in REFERRERS:
        yield "Referrer-Policy tells other sites addresses"


def transport(answer: Answer) -> Iterator[str]:
    if not answer.is_secure:
        return
    found = re.search(r"(?:^|;)\s*max-age=(\d+)", answer.one("strict-transport-security"))
    if not found or int(found[1]) < HALF_A_YEAR or "," in answer.one("strict-transport-security"):
        yield "Strict-Transport-Security for less than half a year, or twice"


def integrity(answer: Answer) -> Iterator[str]:
    """Scripts and styles of this site alone, or with a hash."""
    for tag, address, has_hash in _Loaded.of(answer.text):
        if urlsplit(address).netloc not in ("", urlsplit(answer.url).netloc) and not has_hash:
            yield f"{tag} {address} from elsewhere without a hash"


def types(answer: Answer) -> Iterator[str]:
    if answer.one("x-content-type-options").lower() != "nosniff":
        yield "no X-Content-Type-Options, or twice"


def frames(answer: Answer) -> Iterator[str]:
    if answer.policy.get("frame-ancestors") != ["'none'"] or answer.one("x-frame-options").upper() != "DENY":
        yield "other sites may frame it"


def isolation(answer: Answer) -> Iterator[str]:
    if answer.one("cross-origin-opener-policy") != "same-origin":
        yield "Cross-Origin-Opener-Policy is not same-origin"
    if answer.one("cross-origin-resource-policy") not in ("same-origin", "cross-origin"):
        yield "no Cross-Origin-Resource-Policy, or twice"


def permissions(answer: Answer) -> Iterator[str]:
    """Not graded, but recommended: nothing is allowed to everyone."""
    found = answer.one("permissions-policy")
    if "camera=()" not in found or "*" in found or found.count("camera=") > 1:
        yield "no Permissions-Policy, or an open one"


def server(answer: Answer) -> Iterator[str]:
    """Not graded, but recommended: no version of a program."""
    for name in ("server", "x-powered-by", "x-aspnet-version", "via"):
        if re.search(r"\d", answer.one(name)):
            yield f"{name} tells a version"


RULES: tuple[Callable[[Answer], Iterator[str]], ...] = (
    policy,
    cookies,
    sharing,
    redirection,
    referrer,
    transport,
    integrity,
    types,
    frames,
    isolation,
    permissions,
    server,
)


def data(answer: Answer) -> Iterator[str]:
    """JSON is no document: nothing loads from it, and a frame of it has nothing to press."""
    if answer.policy != {"default-src": ["'none'"]}:
        yield "JSON with a policy of documents"


RULES_OF_DATA = (cookies, sharing, redirection, transport, types, server, data)


class _Loaded(HTMLParser):
    """The scripts and style sheets that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, bool]] = []

    @classmethod
    def of(cls, text: str) -> list[tuple[str, str, bool]]:
        parser = cls()
        parser.feed(text)
        return parser.found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        address = named.get("src" if tag == "script" else "href")
        if address and (tag == "script" or (tag == "link" and "stylesheet" in (named.get("rel") or ""))):
            self.found.append((tag, address, bool(named.get("integrity"))))
