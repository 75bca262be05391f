"""The public images that the site runs on, each by the digest that its registry has: `make lock` asks.

    deploy/Dockerfile     ARG PYTHON_IMAGE=python:3.13-slim@sha256:…
    docker-compose.yml    image: ${POSTGRES_IMAGE:-postgres:18@sha256:…}

The two files are the lock: what they name is what runs. A variable in `.env` names another image, such as
one of a mirror, or of the same name without a digest where no registry is reached. A digest is that of the
image's index, for all kinds of processors, and is computed from what the registry sent. Of an image whose
registry does not answer the line stays as it is.
"""

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parents[1]
FILES = (ROOT / "docker-compose.yml", ROOT / "deploy" / "Dockerfile")
NAMED = re.compile(r"(?P<before>\$\{|ARG )(?P<variable>\w+_IMAGE)(?P<between>:-|=)(?P<image>[^\s}]+)")
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
KINDS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
SECONDS = 20
MOST_BYTES = 4_000_000


class NoAnswerError(Exception):
    """The registry has not said what it has."""


class Place(NamedTuple):
    """Where an image is: the address of its registry, its repository, its tag."""

    registry: str
    repository: str
    tag: str


def locked(files: tuple[Path, ...] = FILES) -> dict[str, str]:
    """Each variable, and the image that it stands for unless `.env` names another."""
    return {found["variable"]: found["image"] for file in files for found in NAMED.finditer(file.read_text())}


def without_digests(files: tuple[Path, ...] = FILES) -> dict[str, str]:
    """For a machine without a registry, whose local images have names only. Empty without any digest."""
    named = locked(files)
    return {variable: DIGEST.sub("", image) for variable, image in named.items() if DIGEST.search(image)}


def name_of(variable: str) -> str:
    """An image's name and tag."""
    return DIGEST.sub("", locked()[variable])


def lock(files: tuple[Path, ...] = FILES, registries: Mapping[str, str] | None = None) -> bool:
    """Writes the digests of today into the files; returns whether every registry answered."""
    digests: dict[str, str] = {}
    whole = True
    for variable, image in locked(files).items():
        name = DIGEST.sub("", image)
        try:
            digests[variable] = f"{name}@{digest(place(name, registries or {}))}"
        except NoAnswerError as error:
            whole = False
            print(f"{name}: not locked, its registry did not answer ({error})", file=sys.stderr)
    for file in files:
        text = file.read_text()
        file.write_text(NAMED.sub(lambda found: _line(found, digests), text))
    return whole


def _line(found: re.Match[str], digests: Mapping[str, str]) -> str:
    image = digests.get(found["variable"], found["image"])
    return f"{found['before']}{found['variable']}{found['between']}{image}"


def place(name: str, registries: Mapping[str, str]) -> Place:
    """A name as Docker reads it: without a host it is Docker Hub's."""
    path, _, tag = name.rpartition(":") if ":" in name.rpartition("/")[2] else (name, "", "latest")
    host, _, rest = path.partition("/")
    if not rest or not re.search(r"[.:]|^localhost$", host):
        host, rest = "registry-1.docker.io", path if "/" in path else f"library/{path}"
    return Place(registries.get(host, f"https://{host}"), rest, tag)


def digest(where: Place) -> str:
    """The digest of what the registry has. Raises NoAnswerError, also if it says another than it sends."""
    address = f"{where.registry}/v2/{where.repository}/manifests/{where.tag}"
    headers = {"Accept": ", ".join(KINDS)}
    try:
        body, told = _get(address, headers)
    except HTTPError as error:
        if error.code != 401:
            raise NoAnswerError(f"status {error.code}") from error
        headers["Authorization"] = f"Bearer {_token(error.headers.get('WWW-Authenticate', ''))}"
        try:
            body, told = _get(address, headers)
        except HTTPError as again:
            raise NoAnswerError(f"status {again.code}") from again
    found = f"sha256:{hashlib.sha256(body).hexdigest()}"
    if told not in ("", found):
        raise NoAnswerError(f"it says {told}, and sends {found}")
    return found


def _token(challenge: str) -> str:
    """What Docker Hub gives to anyone, for one repository."""
    fields = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    if "realm" not in fields:
        raise NoAnswerError("it asks for a password")
    query = urlencode({name: fields[name] for name in ("service", "scope") if name in fields})
    try:
        body, _ = _get(f"{fields['realm']}?{query}", {})
        given = json.loads(body)
        return str(given.get("token") or given["access_token"])
    except (HTTPError, ValueError, KeyError, AttributeError) as error:
        raise NoAnswerError("it gives no token") from error


def _get(address: str, headers: Mapping[str, str]) -> tuple[bytes, str]:
    if not address.startswith(("https://", "http://127.0.0.1:")):
        raise NoAnswerError(f"{address} is not https")
    try:
        with urlopen(Request(address, headers=dict(headers)), timeout=SECONDS) as answer:  # noqa: S310 - see above
            body: bytes = answer.read(MOST_BYTES + 1)
            told = answer.headers.get("Docker-Content-Digest", "")
    except HTTPError:
        raise
    except (URLError, OSError, ValueError) as error:
        raise NoAnswerError(str(getattr(error, "reason", error))) from error
    if len(body) > MOST_BYTES:
        raise NoAnswerError("it sends too much")
    return body, told


if __name__ == "__main__":
    if sys.argv[1:] == ["names"]:
        print("\n".join(f"image: {DIGEST.sub('', image)}" for image in locked().values()))
    elif not lock():
        print("Lines without an answer are as they were. A tag without a digest moves with its registry.")
