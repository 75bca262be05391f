"""Requests of which two servers may see different ends, through nginx and straight to gunicorn.

Each hides a second request in what a server may take for a body or a header. No server answers the hidden
one, and nobody after it gets an answer of it.
"""

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from apps.accounts.models import User
from deploy.local.edge import DeployedEdge
from tests.support.concurrency import at_once
from tests.support.edge import deployed_edge
from tests.support.http import TlsClient, request
from tests.support.site import served

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asvs("4.2.1")]

DOMAIN = "kwippy.example"
# gunicorn answers it by a 200, too: what says that it came by http leads elsewhere.
HIDDEN = f"GET /ann/ HTTP/1.1\r\nHost: {DOMAIN}\r\nX-Forwarded-Proto: https\r\nX-Hidden: yes\r\n\r\n"
TE = "Transfer-Encoding: "
CL = "Content-Length: "
FIRST = f"POST /nothing/here/ HTTP/1.1\r\nHost: {DOMAIN}\r\nX-Forwarded-Proto: https\r\n"
READ = f"GET /nothing/here/ HTTP/1.1\r\nHost: {DOMAIN}\r\nX-Forwarded-Proto: https\r\n"
SIZE = f"{len(HIDDEN):x}"
CHUNKS = f"0\r\n\r\n{HIDDEN}"
ALL = f"Content-Length: {len(CHUNKS)}\r\n"

LINES: dict[str, str] = {
    "CL.TE": f"{FIRST}{ALL}{TE}chunked\r\n\r\n{CHUNKS}",
    "TE.CL": f"{FIRST}{CL}4\r\n{TE}chunked\r\n\r\n{SIZE}\r\n{HIDDEN}\r\n0\r\n\r\n",
    "TE.TE, the second unknown": f"{FIRST}{ALL}{TE}chunked\r\n{TE}x\r\n\r\n{CHUNKS}",
    "TE.TE, the first unknown": f"{FIRST}{ALL}{TE}x\r\n{TE}chunked\r\n\r\n{CHUNKS}",
    "TE, a list": f"{FIRST}{ALL}Transfer-Encoding: identity, chunked\r\n\r\n{CHUNKS}",
    "TE, a list that ends otherwise": f"{FIRST}{ALL}Transfer-Encoding: chunked, identity\r\n\r\n{CHUNKS}",
    "TE after a tab": f"{FIRST}{ALL}Transfer-Encoding:\tchunked\r\n\r\n{CHUNKS}",
    "TE before a tab": f"{FIRST}{ALL}Transfer-Encoding: chunked\t\r\n\r\n{CHUNKS}",
    "TE with a vertical tab": f"{FIRST}{ALL}Transfer-Encoding: \x0bchunked\r\n\r\n{CHUNKS}",
    "TE in capitals": f"{FIRST}{ALL}Transfer-Encoding: CHUNKED\r\n\r\n{CHUNKS}",
    "TE in quotes": f'{FIRST}{ALL}Transfer-Encoding: "chunked"\r\n\r\n{CHUNKS}',
    "a space before the colon": f"{FIRST}{ALL}Transfer-Encoding : chunked\r\n\r\n{CHUNKS}",
    "a space before the name": f"{FIRST}{ALL} {TE}chunked\r\n\r\n{CHUNKS}",
    "a folded line": f"{FIRST}{ALL}Transfer-Encoding:\r\n chunked\r\n\r\n{CHUNKS}",
    "an underscore": f"{FIRST}{ALL}Transfer_Encoding: chunked\r\n\r\n{CHUNKS}",
    "two lengths": f"{FIRST}{CL}0\r\n{CL}{len(HIDDEN)}\r\n\r\n{HIDDEN}",
    "two equal lengths": f"{FIRST}{CL}{len(HIDDEN)}\r\n{CL}{len(HIDDEN)}\r\n\r\n{HIDDEN}",
    "a list of lengths": f"{FIRST}{CL}0, {len(HIDDEN)}\r\n\r\n{HIDDEN}",
    "a length with a plus": f"{FIRST}Content-Length: +{len(HIDDEN)}\r\n\r\n{HIDDEN}",
    "a length with an underscore": f"{FIRST}Content-Length: 1_0\r\n\r\n{HIDDEN}",
    "a length in hex": f"{FIRST}{CL}0x{SIZE}\r\n\r\n{HIDDEN}",
    "a negative length": f"{FIRST}Content-Length: -1\r\n\r\n{HIDDEN}",
    "a length with a null": f"{FIRST}{CL}{len(HIDDEN)}\x00\r\n\r\n{HIDDEN}",
    "a GET with a length": f"{READ}{CL}{len(HIDDEN)}\r\n\r\n{HIDDEN}",
    "a GET in chunks": f"{READ}{TE}chunked\r\n\r\n{SIZE}\r\n{HIDDEN}\r\n0\r\n\r\n",
    "an extension of a chunk": f"{FIRST}{TE}chunked\r\n\r\n{SIZE};\n{HIDDEN}\r\n0\r\n\r\n",
    "a size with a plus": f"{FIRST}{TE}chunked\r\n\r\n+{SIZE}\r\n{HIDDEN}\r\n0\r\n\r\n",
    "a size that is too large": f"{FIRST}{TE}chunked\r\n\r\n{'f' * 17}\r\n{HIDDEN}\r\n0\r\n\r\n",
    "a trailer with a length": f"{FIRST}{TE}chunked\r\n\r\n0\r\nContent-Length: 9\r\n\r\n",
    "two hosts": f"{READ}Host: localhost\r\n\r\n",
    "lines that end without CR": f"{FIRST}{ALL}Transfer-Encoding: chunked\n\r\n{CHUNKS}",
    "a header that hides one": f"{READ}X-Any: a\r{TE}chunked\r\n\r\n{CHUNKS}",
    "h2c": f"{READ}Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
    "Expect": f"{FIRST}Expect: 100-continue\r\n{CL}4\r\n{TE}chunked\r\n\r\n{CHUNKS}",
}
# Well formed pairs of requests: the second is answered by both servers, and by right. They show that a
# hidden request which a server took for one would be seen here.
PIPELINES = {
    "a pair": f"{READ}\r\n{HIDDEN}",
    "a pair, the first with a length": f"{FIRST}{CL}4\r\n\r\ntea!{HIDDEN}",
    "a pair, the first in chunks": f"{FIRST}{TE}chunked\r\n\r\n{CHUNKS}",
    "a pair, TE in capitals": f"{FIRST}Transfer-Encoding: CHUNKED\r\n\r\n{CHUNKS}",
}


class Site(NamedTuple):
    edge: DeployedEdge
    gunicorn: int


@pytest.fixture
def site(memcached: str, tmp_path: Path) -> Iterator[Site]:
    User.objects.create_user("ann", "ann@example.org")
    variables = {
        "SITE_URL": f"https://{DOMAIN}",
        "BEHIND_TLS_PROXY": "true",
        "TRUSTED_PROXIES": "127.0.0.1/32",
    }
    with (
        served(memcached=memcached, workers=1, variables=variables, host=DOMAIN, patient=True) as port,
        deployed_edge(tmp_path / "edge", gunicorn=port, domain=DOMAIN) as nginx,
    ):
        yield Site(nginx, port)


def answers(wire: socket.socket, sent: str) -> list[bytes]:
    """The heads of the final responses, until the server closes or says nothing for a while."""
    wire.settimeout(1.5)
    received = b""
    with wire, suppress(OSError):
        wire.sendall(sent.encode("latin-1"))
        while chunk := wire.recv(65536):
            received += chunk
    return [head for head in re.findall(rb"HTTP/1\.[01] \d{3}[^\r\n]*", received) if b" 100 " not in head]


def wires(site: Site) -> dict[str, socket.socket]:
    client = TlsClient(site.edge.port, DOMAIN, site.edge.certificate)
    return {"nginx": client.connect(), "gunicorn": socket.create_connection(("127.0.0.1", site.gunicorn))}


@pytest.mark.parametrize("half", [0, 1])
def test_nobody_gets_an_answer_to_a_hidden_request(site: Site, half: int) -> None:
    wrong = []
    for name, sent in list((LINES | PIPELINES).items())[half::2]:
        # Both at once: a server that says nothing is waited for.
        opened = wires(site)
        found = at_once([partial(answers, wire, sent) for wire in opened.values()])
        for server, heads in zip(opened, found, strict=True):
            shown = [head for head in heads if b" 200 " in head]
            if bool(shown) != (name in PIPELINES):
                wrong.append(f"{name} by {server}: {heads}")
        victim = TlsClient(site.edge.port, DOMAIN, site.edge.certificate, "127.0.0.9")
        for _ in range(3):
            about = victim.request("/about/")
            straight = request(site.gunicorn, "/about/", ("Host", DOMAIN), ("X-Forwarded-Proto", "https"))
            if (about.status, "ann" in about.text.split()) != (200, False) or straight.status != 200:
                wrong.append(f"after {name}: {about.status}, {straight.status}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.asvs("13.4.4")
def test_nginx_answers_no_trace(site: Site) -> None:
    client = TlsClient(site.edge.port, DOMAIN, site.edge.certificate)
    for method in ("TRACE", "TRACK", "DEBUG", "CONNECT", "PROPFIND"):
        answer = client.request("/about/", method=method, headers={"X-Secret": "canary"})
        assert answer.status in (400, 403, 404, 405, 501), method
        assert b"canary" not in answer.body


@pytest.mark.asvs("12.1.1")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_of_tls_are_refused(site: Site, version: ssl.TLSVersion) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", site.edge.port)) as raw,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        old.wrap_socket(raw, server_hostname=DOMAIN)
