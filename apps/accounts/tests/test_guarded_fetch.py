"""Reading a page whose address a person typed: from real TLS servers, and nothing that is not public."""

import http.server
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from apps.accounts import guarded_fetch
from apps.accounts.guarded_fetch import BYTES, Guard, Unreadable, _Reading, fetch, is_public

HTML = b"<p>hello</p>"


@dataclass
class Site:
    """A TLS server on loopback, of `localhost`."""

    port: int
    tls: ssl.SSLContext
    asked: list[str] = field(default_factory=list)
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    # Sends the rest of the answer to /slow once it is set.
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def guard(self) -> Guard:
        """Opened for this server alone."""
        return Guard(
            allows=lambda address: address in ("127.0.0.1", "::1"),
            ports=None,
            tls=self.tls,
            resolve=to_loopback,
        )


def to_loopback(host: str, port: int, **options: Any) -> list[Any]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    files = folder / f"{name}.crt", folder / f"{name}.key"
    whose = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-days", "2"]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command = ["openssl", "req", *kind, *whose, "-out", str(files[0]), "-keyout", str(files[1])]
    subprocess.run(command, check=True, capture_output=True)
    return files


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    folder = tmp_path_factory.mktemp("tls")
    return {name: certificate(folder, name) for name in ("localhost", "other.example")}


@pytest.fixture
def site(certificates: dict[str, tuple[Path, Path]]) -> Iterator[Site]:
    with serving(certificates, "localhost") as found:
        yield found


class serving:  # noqa: N801 - a context manager
    def __init__(self, certificates: dict[str, tuple[Path, Path]], name: str) -> None:
        site = Site(0, ssl.create_default_context(cafile=str(certificates[name][0])))

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                status, headers, body = site.answers.get(self.path, (200, {}, HTML))
                self.send_response(status)
                for key, value in ({"Content-Type": "text/html; charset=utf-8"} | headers).items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(body)
                if self.path == "/slow":
                    site.released.wait()

            def log_message(self, *args: object) -> None: ...

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        own.load_cert_chain(*certificates[name])
        self.server.socket = own.wrap_socket(self.server.socket, server_side=True)
        site.port, self.site = self.server.server_address[1], site

    def __enter__(self) -> Site:
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self.site

    def __exit__(self, *problem: object) -> None:
        self.site.released.set()
        self.server.shutdown()
        self.server.server_close()


def refused(url: str, guard: Guard) -> str:
    with pytest.raises(Unreadable) as caught:
        fetch(url, guard)
    return str(caught.value)


def test_a_page_is_read_after_three_redirects_and_not_after_four(site: Site) -> None:
    for number in range(4):
        site.answers[f"/{number}"] = (302, {"Location": f"/{number + 1}"}, b"")
    assert fetch(f"{site.url}/1?a=ü", site.guard).html == HTML.decode()
    assert fetch(f"{site.url}/1", site.guard).url == f"{site.url}/4"
    assert "too many redirects" in refused(f"{site.url}/0", site.guard)


@pytest.mark.asvs("1.3.6", "15.3.2", "13.2.4")
@pytest.mark.parametrize(
    "place", ["https://10.0.0.1/", "http://localhost/", "https://[::1]:1/", "file:///etc/passwd"]
)
def test_each_redirect_is_checked_again(site: Site, place: str) -> None:
    site.answers["/"] = (301, {"Location": place}, b"")

    def resolve(host: str, port: int, **options: Any) -> list[Any]:
        return (to_loopback if host == "localhost" else socket.getaddrinfo)(host, port, **options)

    guard = replace(site.guard, resolve=resolve)
    assert "no " in refused(f"{site.url}/", guard)
    assert site.asked == ["/"]


def test_the_host_is_resolved_once_and_the_checked_address_is_connected_to(
    certificates: dict[str, tuple[Path, Path]],
) -> None:
    """A second answer would be another address (DNS rebinding): here there is none."""
    resolved: list[str] = []

    def once(host: str, port: int, **options: Any) -> list[Any]:
        resolved.append(host)
        assert len(resolved) == 1
        return to_loopback(host, port)

    with serving(certificates, "other.example") as site:
        guard = replace(site.guard, resolve=once)
        assert fetch(f"https://other.example:{site.port}/", guard).html == HTML.decode()
    assert resolved == ["other.example"]


def test_one_address_that_is_not_public_refuses_the_host(site: Site) -> None:
    def both(host: str, port: int, **options: Any) -> list[Any]:
        return [*to_loopback(host, port), (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.168.0.1", port))]

    assert "no public address" in refused(f"{site.url}/", replace(site.guard, resolve=both))
    assert site.asked == []


@pytest.mark.asvs("1.3.6", "13.2.5")
def test_without_an_opened_guard_nothing_on_this_machine_is_asked(site: Site) -> None:
    assert f"port {site.port}" in refused(f"{site.url}/", Guard(tls=site.tls))
    assert "no public address" in refused(f"{site.url}/", Guard(tls=site.tls, ports=None))
    assert site.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/",
        "ftp://localhost/",
        "https:///",
        "https://ann:tea@localhost/",
        "https://localhost:99999/",
    ],
)
def test_other_addresses_than_https_are_refused(site: Site, url: str) -> None:
    refused(url, site.guard)
    assert site.asked == []


@pytest.mark.asvs("12.3.2")
def test_certificates_are_verified(site: Site, certificates: dict[str, tuple[Path, Path]]) -> None:
    assert "CERTIFICATE_VERIFY_FAILED" in refused(f"{site.url}/", replace(site.guard, tls=Guard().tls))
    with serving(certificates, "other.example") as other:
        assert "CERTIFICATE_VERIFY_FAILED" in refused(f"{other.url}/", other.guard)
    assert site.asked == other.asked == []


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (404, {}, HTML),
        (302, {}, HTML),
        (200, {"Content-Type": "application/pdf"}, HTML),
        (200, {"Content-Type": "text/plain"}, HTML),
        (200, {}, b"x" * (BYTES + 1)),
    ],
    ids=["status", "no place", "pdf", "text", "too large"],
)
def test_other_answers_are_refused(site: Site, status: int, headers: dict[str, str], body: bytes) -> None:
    site.answers["/"] = (status, headers, body)
    refused(f"{site.url}/", site.guard)
    assert site.asked == ["/"]


def test_the_largest_page_is_read(site: Site) -> None:
    site.answers["/"] = (200, {}, b"x" * BYTES)
    assert len(fetch(f"{site.url}/", site.guard).html) == BYTES


def test_a_page_that_does_not_end_is_given_up_and_its_connection_closed(site: Site) -> None:
    before = threading.active_count()
    assert refused(f"{site.url}/slow", replace(site.guard, seconds=0.5)) == "too slow"
    for thread in threading.enumerate():
        if thread.name == "guarded fetch":
            thread.join()
    assert site.asked == ["/slow"]
    assert threading.active_count() <= before + 1  # the server's thread


def test_a_socket_that_gives_up_before_its_caller_says_the_same(site: Site) -> None:
    reading = _Reading(f"{site.url}/slow", replace(site.guard, seconds=0.2))
    reading.start()
    reading.join()
    assert (reading.page, reading.why) == (None, "too slow")


def test_a_name_server_that_does_not_answer_is_given_up(site: Site) -> None:
    def silent(host: str, port: int, **options: Any) -> list[Any]:
        site.released.wait()
        return to_loopback(host, port)

    assert refused(f"{site.url}/", replace(site.guard, resolve=silent, seconds=0.1)) == "too slow"
    site.released.set()
    for thread in threading.enumerate():
        if thread.name == "guarded fetch":
            thread.join()
    assert site.asked == [], "it goes on after it was given up"


@pytest.mark.parametrize(
    "host", ["localhost", "127.1", "2130706433", "0x7f000001", "[::1]", "[::ffff:7f00:1]"]
)
def test_no_spelling_of_this_machine_is_public(host: str) -> None:
    assert "no public address" in refused(f"https://{host}/", Guard())


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "100.100.100.200", "192.0.0.192", "168.63.129.16", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
        "2001:0:7f00:1::", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f::2", "::ffff:93.184.215.14"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


def test_the_guard_is_closed_by_default() -> None:
    guard = Guard()
    assert guard.allows is is_public
    assert guard.ports == {443}
    assert guard.tls.verify_mode is ssl.CERT_REQUIRED
    assert guard.tls.check_hostname
    assert (guarded_fetch.REDIRECTS, guarded_fetch.BYTES, guard.seconds) == (3, 1_000_000, 10.0)
