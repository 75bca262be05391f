"""The lock of public images: it holds what a registry sent, and stays as it is where none answers."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from deploy import images

HUB = "registry-1.docker.io"
INDEX = json.dumps({"mediaType": images.KINDS[0], "manifests": []}).encode()
DIGEST = f"sha256:{hashlib.sha256(INDEX).hexdigest()}"


class Registry:
    """A registry on loopback, which asks for a token as Docker Hub does."""

    def __init__(self) -> None:
        self.told = DIGEST
        self.status = 200
        self.body = INDEX
        self.asked: list[str] = []
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.asked.append(self.path)
                if self.path.startswith("/token"):
                    self.answer(200, b'{"token": "tea"}')
                elif self.headers.get("Authorization") != "Bearer tea":
                    realm = f"http://127.0.0.1:{registry.server.server_port}/token"
                    self.answer(401, b"", f'Bearer realm="{realm}",service="registry",scope="pull"')
                else:
                    self.answer(registry.status, registry.body)

            def answer(self, status: int, body: bytes, challenge: str = "") -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                if challenge:
                    self.send_header("WWW-Authenticate", challenge)
                if registry.told:
                    self.send_header("Docker-Content-Digest", registry.told)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *said: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def registry() -> Iterator[Registry]:
    registry = Registry()
    thread = threading.Thread(target=registry.server.serve_forever)
    thread.start()
    yield registry
    registry.server.shutdown()
    registry.server.server_close()
    thread.join()


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, ...]:
    """The project's two files, without digests."""
    copies = []
    for file in images.FILES:
        copy = tmp_path / file.name
        copy.write_text(re.sub(r"@sha256:[0-9a-f]{64}", "", file.read_text()))
        copies.append(copy)
    return tuple(copies)


def test_every_public_image_is_in_the_lock() -> None:
    compose = yaml.safe_load(images.FILES[0].read_text())
    named = {service["image"] for service in compose["services"].values()}
    public = {image for image in named if "COMPOSE_PROJECT_NAME" not in image}
    assert public == {
        f"${{{name}:-{image}}}" for name, image in images.locked().items() if name != "PYTHON_IMAGE"
    }
    # Compose and Dockerfile name the same one.
    found = [match for file in images.FILES for match in images.NAMED.findall(file.read_text())]
    pythons = {image for _, variable, _, image in found if variable == "PYTHON_IMAGE"}
    assert len(pythons) == 1
    bases = re.findall(r"(?m)^FROM (\S+)", images.FILES[1].read_text())
    assert set(bases) == {"${PYTHON_IMAGE}"}


def test_the_digest_is_written_to_every_line_and_moves(registry: Registry, files: tuple[Path, ...]) -> None:
    everywhere = {HUB: registry.url}
    before = images.locked(files)
    assert images.lock(files, everywhere)
    assert images.locked(files) == {variable: f"{image}@{DIGEST}" for variable, image in before.items()}
    assert images.without_digests(files) == before
    assert yaml.safe_load(files[0].read_text())["services"]["postgres"]["image"].startswith(
        "${POSTGRES_IMAGE:-postgres:18@"
    )
    assert "/v2/library/postgres/manifests/18" in registry.asked
    assert "/v2/axllent/mailpit/manifests/v1.27" in registry.asked
    registry.body, registry.told = b"{}", ""
    assert images.lock(files, everywhere)
    moved = f"sha256:{hashlib.sha256(b'{}').hexdigest()}"
    assert all(image.endswith(moved) and image.count("@") == 1 for image in images.locked(files).values())


@pytest.mark.parametrize(
    ("status", "body", "told", "words"),
    [
        (404, b"", "", "status 404"),
        (500, b"", "", "status 500"),
        (200, INDEX, "sha256:" + "0" * 64, "it says sha256:0000"),
        (200, b"x" * (images.MOST_BYTES + 1), "", "too much"),
    ],
)
def test_a_registry_that_fails_or_lies_changes_nothing(
    registry: Registry,
    files: tuple[Path, ...],
    capsys: pytest.CaptureFixture[str],
    status: int,
    body: bytes,
    told: str,
    words: str,
) -> None:
    registry.status, registry.body, registry.told = status, body, told
    before = [file.read_text() for file in files]
    assert not images.lock(files, {HUB: registry.url})
    assert [file.read_text() for file in files] == before
    assert f"postgres:18: not locked, its registry did not answer ({words}" in capsys.readouterr().err


def test_without_a_registry_the_digests_of_before_stay(
    registry: Registry, files: tuple[Path, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert images.lock(files, {HUB: registry.url})
    before = images.locked(files)
    assert not images.lock(files, {HUB: "http://127.0.0.1:9"})
    assert images.locked(files) == before
    assert "not locked" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("postgres:18", (f"https://{HUB}", "library/postgres", "18")),
        ("axllent/mailpit:v1", (f"https://{HUB}", "axllent/mailpit", "v1")),
        ("ghcr.io/a/b:1", ("https://ghcr.io", "a/b", "1")),
        ("localhost:5000/a", ("https://localhost:5000", "a", "latest")),
    ],
)
def test_a_name_is_read_as_docker_reads_it(name: str, place: tuple[str, str, str]) -> None:
    assert images.place(name, {}) == place


def test_nothing_is_asked_without_tls() -> None:
    with pytest.raises(images.NoAnswerError, match="not https"):
        images.digest(images.Place("http://registry.example", "library/postgres", "18"))
