"""nginx in front of the site, as it is deployed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.edge import DeployedEdge, Edge


@contextmanager
def edge(folder: Path, *, gunicorn: int, places: int = 8) -> Iterator[Edge]:
    """Runs nginx in ``folder`` in front of the gunicorn on that port; skips the test without nginx."""
    with _running(Edge(folder, gunicorn=gunicorn, places=places)) as server:
        yield server


@contextmanager
def deployed_edge(folder: Path, *, gunicorn: int, domain: str) -> Iterator[DeployedEdge]:
    """Runs nginx as it is deployed, with TLS, for ``domain``; skips the test without nginx."""
    with _running(DeployedEdge(folder, gunicorn=gunicorn, domain=domain)) as server:
        yield server


@contextmanager
def _running[E: Edge](server: E) -> Iterator[E]:
    if Edge.program() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("nginx is not installed, and with CI=true nothing is left out")
        pytest.skip("nginx is not installed")
    server.start()
    try:
        yield server
    finally:
        server.stop()
