"""deploy/nginx.conf, as deployed, in front of the site: what it refuses, limits, logs and serves itself."""

import json
import os
import select
import socket
import ssl
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from h2.connection import H2Connection
from h2.events import ResponseReceived

from apps.accounts.models import User
from apps.kwips.models import Kwip
from deploy.local import services
from deploy.local.edge import FILES, DeployedEdge
from tests.support.edge import deployed_edge
from tests.support.http import CSRF_TOKEN, FORM_TYPE, Response, TlsClient, session_key
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)

DOMAIN = "kwippy.example"
HSTS = "max-age=31536000"
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def running(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DeployedEdge]:
    if not os.environ["MEMCACHED_SERVERS"]:
        pytest.skip("memcached is not installed")
    variables = {
        "SITE_URL": f"https://{DOMAIN}",
        "BEHIND_TLS_PROXY": "on",
        "TRUSTED_PROXIES": "127.0.0.0/8",
        "SERVE_MEDIA": "off",
    }
    memcached, folder = os.environ["MEMCACHED_SERVERS"], tmp_path_factory.mktemp("edge")
    with ExitStack() as stack:
        stack.enter_context(django_db_blocker.unblock())
        port = stack.enter_context(served(memcached=memcached, workers=1, variables=variables, host=DOMAIN))
        yield stack.enter_context(deployed_edge(folder, gunicorn=port, domain=DOMAIN))


@pytest.fixture
def nginx(running: DeployedEdge) -> Iterator[DeployedEdge]:
    yield running
    running.maintenance.unlink(missing_ok=True)


addresses = map("127.0.1.{}".format, count(1))


@pytest.fixture
def client(nginx: DeployedEdge) -> Callable[..., TlsClient]:
    """A client. Each test is another one to nginx, and has the limits of one for itself."""
    own = next(addresses)

    def client(address: str = own) -> TlsClient:
        return TlsClient(nginx.port, DOMAIN, nginx.certificate, address)

    return client


def cookies(user: User) -> str:
    session = session_key(user)
    return f"__Host-sessionid={session}; __Host-csrftoken={CSRF_TOKEN}"


def publish(client: TlsClient, user: User, text: str) -> Response:
    form = {"csrfmiddlewaretoken": CSRF_TOKEN, "text": text, "form_key": str(uuid.uuid4())}
    headers = {
        "Cookie": cookies(user),
        "Content-Type": FORM_TYPE,
        "Origin": f"https://{DOMAIN}",
    }
    return client.request("/kwip/", method="POST", headers=headers, body=urlencode(form).encode())


def bodies(nginx: DeployedEdge) -> list[Path]:
    """The open files of bodies that nginx is receiving. It deletes their names at once."""
    opened = []
    for worker in services.descendants(nginx.pid):
        for descriptor in Path(f"/proc/{worker}/fd").iterdir():
            with suppress(FileNotFoundError):
                opened.append(descriptor.readlink())
    return [path for path in opened if path.is_relative_to(nginx.body_space)]


def has_security_headers(response: Response) -> None:
    """nginx sets the headers that Django sets on every response."""
    assert response.headers.get_all("Strict-Transport-Security") == [HSTS]
    assert response.headers.get_all("X-Content-Type-Options") == ["nosniff"]


@pytest.mark.asvs("13.4.5")
def test_metrics_are_not_served_under_any_spelling_or_method(client: Callable[..., TlsClient]) -> None:
    for method in ("GET", "HEAD", "POST", "OPTIONS"):
        for path in ("/metrics", "/metrics/", "/metrics/x", "/%6detrics", "//metrics", "/./metrics"):
            response = client().request(path, method=method)
            assert response.status == 404, (method, path)
            assert "# HELP" not in response.text


def test_a_request_for_another_site_is_refused(nginx: DeployedEdge, client: Callable[..., TlsClient]) -> None:
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
        client().connect(sni="other.example")
    assert client().request("/", headers={"Host": "other.example"}).status == 421
    for host, status, leads_to in (
        (DOMAIN, 301, f"https://{DOMAIN}/everyone/?sort=active"),
        ("other.example", 421, None),
    ):
        with socket.create_connection(("127.0.0.1", nginx.plain_port)) as plain:
            plain.sendall(f"GET /everyone/?sort=active HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            head = plain.makefile("rb").read().decode()
        assert f" {status} " in head.partition("\r\n")[0]
        assert leads_to is None or f"Location: {leads_to}\r\n" in head


def test_the_log_has_no_key_of_a_link_and_no_argument(
    nginx: DeployedEdge, client: Callable[..., TlsClient]
) -> None:
    key = "k" * 40
    nginx.maintenance.touch()
    client().request(f"/accounts/reset/{key}/?q={key}")
    nginx.maintenance.unlink()
    for method in ("GET", "POST"):
        for path in (f"/accounts/reset/{key}/", f"/everyone/?q={key}", f"/{key}/{key}"):
            client().request(path, method=method)

    def lines() -> list[dict[str, Any]]:
        found = map(json.loads, nginx.access_log.read_text().splitlines())
        return [line for line in found if line["client"] == client().address]

    until = time.monotonic() + 30
    while len(lines()) < 7 and time.monotonic() < until:
        time.sleep(0.02)  # nginx writes a line after it has sent the response
    assert key not in nginx.access_log.read_text()
    assert [(line["method"], line["path"]) for line in lines()] == [("GET", "/accounts/reset/…")] + [
        (method, path) for method in ("GET", "POST") for path in ("/accounts/reset/…", "/everyone/", "/…")
    ]


def test_a_client_over_the_rate_limit_gets_a_429_and_others_do_not(client: Callable[..., TlsClient]) -> None:
    connection = client().connect()
    stream = connection.makefile("rb")
    admitted = 0
    # The limit refills by 50 a second; a slower machine would never reach it.
    for _ in range(100):
        connection.sendall(f"HEAD /nothing.css HTTP/1.1\r\nHost: {DOMAIN}\r\n\r\n".encode() * 50)
        statuses = []
        for _ in range(50):
            statuses.append(int(stream.readline().split()[1]))
            while stream.readline() != b"\r\n":
                pass
        admitted += statuses.count(404)
        if 429 in statuses:
            break
    connection.close()
    assert 429 in statuses
    assert admitted >= 200
    response = client().request("/about/")
    if response.status == 429:  # not where the handshake took so long that one is admitted again
        assert "easy now" in response.text
        assert response.headers["Retry-After"] == "5"
        has_security_headers(response)
    assert client("127.0.0.9").request("/about/").status == 200


def test_what_nginx_answers_itself_has_the_headers_of_the_site(
    nginx: DeployedEdge, client: Callable[..., TlsClient]
) -> None:
    (nginx.static / "a.css").write_text("body {}")
    (nginx.media / "a.webp").write_bytes(b"tea")
    for path, status in (
        ("/static/a.css", 200),
        ("/static/nothing.css", 404),
        ("/media/a.webp", 200),
        ("/media/nothing.webp", 404),
        ("/-edge/style.css", 200),
        ("/-edge/nothing", 404),
        ("/metrics", 404),
    ):
        response = client().request(path)
        assert response.status == status, path
        has_security_headers(response)
    # The site's responses have them once, too.
    has_security_headers(client().request("/about/"))
    has_security_headers(client().request("/accounts/login/", method="POST", body=b"x"))
    has_security_headers(
        client().request("/settings/picture/", method="POST", headers={"Cookie": "sessionid=x"})
    )
    has_security_headers(client().request("/settings/picture/", method="POST"))
    has_security_headers(client().request("/kwip/", method="POST", body=b"x" * 4 * MEGABYTE))
    # The internal names can't be requested from outside.
    assert client().request("/-send/kwip/").status == 404
    assert client().request("/-upload/settings/picture/").status == 404


@pytest.mark.asvs("5.2.1")
def test_a_body_is_as_large_as_its_address_takes(client: Callable[..., TlsClient]) -> None:
    ann = User.objects.create_user("ann", "ann@example.org")
    member = {"Cookie": cookies(ann), "Content-Type": "multipart/form-data; boundary=x"}
    part = b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n--x--\r\n'
    for path, headers, megabytes, expected in (
        ("/kwip/", member, 2.9, 413),  # Django's own limit
        ("/kwip/", member, 3.2, 413),
        ("/settings/picture/", member, 15.9, 403),  # from Django: the form has no token
        ("/settings/picture/", member, 16.9, 413),
        ("/settings/picture/", {}, 2.0, 303),
        ("/settings/picture/", {"Cookie": "theme=dark"}, 8.9, 303),
    ):
        name = b'picture"; filename="a.png' if "picture" in path else b"text"
        body = part % (name, b"x" * int(megabytes * MEGABYTE))
        response = client().request(path, method="POST", headers=headers, body=body)
        assert response.status == expected, (path, megabytes)
        by_nginx = "/-edge/style.css" in response.text
        assert by_nginx == (megabytes in (3.2, 16.9)), (path, megabytes)
        assert expected != 413 or "that's a whole lot" in response.text
        assert expected != 303 or response.headers["Location"] == "/accounts/login/?next=/settings/"
    assert client().request("/about/", body=b"x" * 20_000).status == 413


def test_words_beside_files_come_back_to_somebody_whose_session_is_over(
    client: Callable[..., TlsClient],
) -> None:
    headers = {
        "Cookie": f"__Host-csrftoken={CSRF_TOKEN}",
        "Content-Type": "multipart/form-data; boundary=x",
        "Origin": f"https://{DOMAIN}",
    }
    part = '--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    words = part % ("csrfmiddlewaretoken", CSRF_TOKEN) + part % ("text", "half a thought")
    for megabytes, status in ((2, 403), (3.2, 413)):
        file = part % ('files"; filename="a.png', "x" * int(megabytes * MEGABYTE))
        body = f"{words}{file}--x--\r\n".encode()
        response = client().request("/kwip/pictures/", method="POST", headers=headers, body=body)
        assert response.status == status
        assert ("half a thought" in response.text) == (status == 403)


def test_a_request_that_reads_has_no_body_not_even_without_a_length(
    nginx: DeployedEdge, client: Callable[..., TlsClient]
) -> None:
    connection = client().connect(protocol="h2")
    h2 = H2Connection()
    h2.initiate_connection()
    names = ((":method", "GET"), (":path", "/about/"), (":scheme", "https"), (":authority", DOMAIN))
    h2.send_headers(1, names)
    for _ in range(3):
        h2.send_data(1, b"x" * 16_000)
    connection.sendall(h2.data_to_send())
    response: dict[bytes, bytes] = {}
    while not response:
        for event in h2.receive_data(connection.recv(65_536)):
            if isinstance(event, ResponseReceived):
                response = dict(event.headers or ())
    stored = bodies(nginx)
    connection.close()
    assert response[b":status"] == b"413"
    assert stored == []


@pytest.mark.asvs("15.2.2")
def test_one_client_cannot_fill_the_space_for_bodies(
    nginx: DeployedEdge, client: Callable[..., TlsClient]
) -> None:
    ann = User.objects.create_user("ann", "ann@example.org")
    flood = client("127.0.0.3")
    head = "POST {} HTTP/1.1\r\nHost: {}\r\nCookie: sessionid=x\r\nContent-Length: {}\r\n\r\n"
    with ExitStack() as stack:
        open_: list[ssl.SSLSocket] = []
        for path, length in [("/settings/picture/", 16_000_000)] * 8 + [("/kwip/", 2_900_000)] * 30:
            connection = stack.enter_context(flood.connect())
            connection.sendall(head.format(path, DOMAIN, length).encode() + b"x" * 200_000)
            open_.append(connection)
        refused = refused_among(open_, expected=len(open_) - 2 - 4)
        for connection in set(open_) - refused:
            connection.sendall(b"x")  # still accepted
        # Other clients still have space, also for a text that needs it.
        response = publish(client("127.0.0.4"), ann, "y" * 95_000)
        assert response.status == 302
        assert bodies(nginx)
    assert Kwip.objects.get(author=ann).text == "y" * 95_000
    until = time.monotonic() + 30
    while bodies(nginx) and time.monotonic() < until:
        time.sleep(0.02)  # until nginx has seen that they broke off
    assert bodies(nginx) == []


def refused_among(connections: list[ssl.SSLSocket], *, expected: int) -> set[ssl.SSLSocket]:
    """Waits until so many of the incomplete requests got a 429, and returns their connections."""
    refused: set[ssl.SSLSocket] = set()
    while len(refused) < expected:
        waiting = [connection for connection in connections if connection not in refused]
        readable = select.select(waiting, [], [], 30)[0]
        assert readable, f"{len(refused)} of {expected}"
        for connection in readable:
            assert b" 429 " in connection.recv(4096).partition(b"\r\n")[0]
            refused.add(connection)
    assert len(refused) == expected
    return refused


def test_with_no_space_for_bodies_most_texts_still_come_through(
    nginx: DeployedEdge, client: Callable[..., TlsClient]
) -> None:
    ann = User.objects.create_user("ann", "ann@example.org")
    gone = nginx.body_space.rename(nginx.body_space.with_name("gone"))
    try:
        assert publish(client(), ann, "y" * 50_000).status == 302
        response = publish(client(), ann, "z" * 90_000)
    finally:
        gone.rename(nginx.body_space)
    assert response.status == 503
    assert "back in a moment" in response.text
    assert response.headers["Retry-After"] == "30"
    has_security_headers(response)
    assert Kwip.objects.get(author=ann).text == "y" * 50_000


def test_in_maintenance_every_page_says_so_and_nothing_is_lost_behind_it(
    nginx: DeployedEdge, client: Callable[..., TlsClient]
) -> None:
    nginx.maintenance.touch()
    for method, path in (("GET", "/"), ("POST", "/kwip/"), ("GET", "/static/a.css"), ("GET", "/metrics")):
        response = client().request(path, method=method)
        assert (response.status, response.headers["Retry-After"]) == (503, "30"), path
        assert "back in a moment" in response.text
        has_security_headers(response)
    assert client().request("/-edge/style.css").status == 200
    nginx.maintenance.unlink()
    assert client().request("/").status == 200


def test_each_large_body_that_is_admitted_has_its_space() -> None:
    """In megabytes: the limits of site.conf against the space that docker-compose.yml gives."""
    rules = (FILES / "site.conf").read_text()
    number = {
        name: int(rules.partition(f"limit_conn {name} ")[2].partition(";")[0])
        for name in ("all_large_bodies", "all_uploads", "large_bodies", "uploads")
    }
    compose = (FILES.parent.parent / "docker-compose.yml").read_text()
    space = int(compose.partition("/tmp:size=")[2].partition("m")[0])
    assert number["all_large_bodies"] * 3 + number["all_uploads"] * 16 <= space
    one_client = number["large_bodies"] * 3 + number["uploads"] * 16
    assert one_client <= space / 3


@pytest.mark.asvs("3.4.1")
@pytest.mark.parametrize(
    ("variables", "policy"),
    [
        ({"DOMAIN": DOMAIN}, HSTS),
        ({"DOMAIN": DOMAIN, "HSTS_SECONDS": "60"}, "max-age=60"),
        ({"DOMAIN": DOMAIN, "HSTS_SECONDS": "0"}, ""),
        ({"DOMAIN": DOMAIN, "HSTS_SUBDOMAINS": "on"}, f"{HSTS}; includeSubDomains"),
        ({"DOMAIN": DOMAIN, "HSTS_SUBDOMAINS": "True"}, f"{HSTS}; includeSubDomains"),
        ({"DOMAIN": DOMAIN, "HSTS_SUBDOMAINS": "off"}, HSTS),
        ({"DOMAIN": DOMAIN, "HSTS_SUBDOMAINS": "on", "HSTS_SECONDS": "0"}, ""),
        ({"DOMAIN": "localhost", "HSTS_SUBDOMAINS": "on"}, ""),
        ({"DOMAIN": "localhost"}, ""),
    ],
)
def test_control_writes_what_depends_on_the_place(
    variables: dict[str, str], policy: str, tmp_path: Path
) -> None:
    control = (FILES / "control").read_text().replace("here=/run/nginx\n", f"here={tmp_path}\n")
    (tmp_path / "nginx").write_text("#!/bin/sh\n")
    (tmp_path / "nginx").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "EDGE_TRUSTED_PROXIES": "10.0.0.1,10.0.0.2"}
    subprocess.run(["sh", "-c", control, "control", "start"], env=environment | variables, check=True)
    written = (tmp_path / "http.conf").read_text()
    assert f'map $host $hsts {{ default "{policy}"; }}' in written
    assert "server unix:/run/kwippy/1.sock max_fails=0;" in written
    assert "set_real_ip_from 10.0.0.1;\nset_real_ip_from 10.0.0.2;" in written
    assert (tmp_path / "server_name.conf").read_text() == f"server_name {variables['DOMAIN']};\n"
