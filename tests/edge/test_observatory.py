"""Every address keeps the rules of Mozilla's HTTP Observatory through nginx, as it is deployed, with TLS."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from deploy.local.edge import DeployedEdge
from tests.pages.test_observatory import every_path
from tests.privacy.world import AUTHOR, World, built
from tests.support.edge import deployed_edge
from tests.support.http import Response, TlsClient, session_key
from tests.support.observatory import Answer, faults
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)

DOMAIN = "kwippy.example"
type Ask = Callable[..., Response]


@pytest.fixture
def world(transactional_db: None) -> World:
    return built()


@pytest.fixture
def nginx(world: World, memcached: str, tmp_path: Path) -> Iterator[DeployedEdge]:
    variables = {
        "SITE_URL": f"https://{DOMAIN}",
        "BEHIND_TLS_PROXY": "on",
        "TRUSTED_PROXIES": "127.0.0.0/8",
        "SERVE_MEDIA": "off",
    }
    with ExitStack() as stack:
        port = stack.enter_context(served(memcached=memcached, workers=1, variables=variables, host=DOMAIN))
        yield stack.enter_context(deployed_edge(tmp_path / "edge", gunicorn=port, domain=DOMAIN))


@pytest.fixture
def ask(nginx: DeployedEdge) -> Ask:
    def ask(path: str, number: int = 0, **options: object) -> Response:
        # From many addresses: one would meet nginx's limit.
        client = TlsClient(nginx.port, DOMAIN, nginx.certificate, f"127.0.1.{number % 250 + 1}")
        return client.request(path, **options)  # type: ignore[arg-type]

    return ask


def judged(path: str, response: Response) -> list[str]:
    headers = {name.lower(): response.headers.get_all(name) or [] for name in response.headers}
    is_page = "text/html" in (response.headers["Content-Type"] or "")
    answer = Answer(
        f"https://{DOMAIN}{path}",
        headers,
        response.text if is_page else "",
        headers.get("set-cookie", []),
    )
    return [f"{path} ({response.status}): {fault}" for fault in faults(answer)]


def test_every_address_keeps_the_rules(ask: Ask, world: World) -> None:
    wrong: list[str] = []
    member = {"Cookie": f"__Host-sessionid={session_key(world.people[AUTHOR])}"}
    for number, path in enumerate(every_path(world)):
        wrong += judged(path, ask(path, number))
        # The second one may come from nginx's cache.
        wrong += judged(path, ask(path, number))
        wrong += judged(path, ask(path, number, headers=member))
        wrong += judged(path, ask(path, number, method="POST", body=b"x"))
    assert wrong == []


def test_what_nginx_answers_itself_keeps_them_too(nginx: DeployedEdge, ask: Ask) -> None:
    (nginx.static / "a.0123456789ab.css").write_text("body {}")
    (nginx.media / "a.webp").write_bytes(b"tea")
    statuses = {
        "/static/a.0123456789ab.css": 200,
        "/static/nothing.css": 404,
        "/media/a.webp": 200,
        "/media/nothing.webp": 404,
        "/-edge/style.css": 200,
        "/-edge/away.html": 200,
        "/-edge/nothing": 404,
        "/-send/kwip/": 404,
        "/-upload/settings/picture/": 404,
        "/-program/api/": 404,
        "/metrics": 404,
    }
    wrong: list[str] = []
    for path, status in statuses.items():
        response = ask(path)
        assert response.status == status, path
        wrong += judged(path, response)
    for path, status, body in (("/settings/picture/", 303, b"x" * 70_000), ("/kwip/", 413, b"x" * 4_000_000)):
        response = ask(path, method="POST", body=body)
        assert response.status == status
        wrong += judged(path, response)
    nginx.maintenance.touch()
    response = ask("/about/")
    assert response.status == 503
    wrong += judged("/about/", response)
    nginx.maintenance.unlink()
    assert wrong == []


def test_pictures_may_be_shown_by_readers_of_feeds_and_files_by_nobody(nginx: DeployedEdge, ask: Ask) -> None:
    for folder, path, embedding in (
        (nginx.media, "media", "cross-origin"),
        (nginx.static, "static", "same-origin"),
    ):
        (folder / "a.webp").write_bytes(b"tea")
        assert ask(f"/{path}/a.webp").headers["Cross-Origin-Resource-Policy"] == embedding
    assert "sandbox" in (ask("/media/a.webp").headers["Content-Security-Policy"] or "")
