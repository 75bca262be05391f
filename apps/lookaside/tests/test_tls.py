"""TLS to a real memcached: verified or refused, and within the same time limits."""

import os
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.lookaside import stats
from apps.lookaside.backends import Lookaside, MemcachedLookaside
from apps.lookaside.tests.conftest import stopped_process
from apps.lookaside.tests.tls_server import TlsServer, tls_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TlsServer]:
    with tls_server(tmp_path / "run") as started:
        yield started


def cache_at(
    server: TlsServer, authority: Path | None, *, host: str = "localhost", timeout: float = 10
) -> Lookaside:
    context = ssl.create_default_context(cafile=authority)
    limits = {"connect_timeout": 10, "timeout": timeout, "dead_timeout": 1000}
    return MemcachedLookaside(f"{host}:{server.port}", {"OPTIONS": {"tls_context": context, **limits}})


def test_values_of_every_size_pass_through_tls(server: TlsServer) -> None:
    cache = cache_at(server, server.certificate)
    values = {str(size): os.urandom(size) for size in (1, 5_000, 20_000, 1_000_000)}
    for _ in range(2):
        assert (
            cache.get_many_or_compute(list(values), lambda keys: {key: values[key] for key in keys}) == values
        )
    with stats.collected() as counted:
        cache.get_many_or_compute(list(values), lambda keys: {key: values[key] for key in keys})
    assert (counted.hits, counted.failures) == (4, 0)
    assert cache.invalidate(list(values)) == []
    assert cache.get_or_compute("1", lambda: b"new") == b"new"


@pytest.mark.parametrize("fault", ["another authority", "another name"])
def test_a_server_with_the_wrong_certificate_is_down(
    server: TlsServer, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    if fault == "another authority":
        cache = cache_at(server, None)
    else:
        cache = cache_at(server, server.certificate, host="127.0.0.1")
    assert [cache.get_or_compute("a", lambda n=n: n) for n in (1, 2)] == [1, 2]  # type: ignore[misc]
    assert cache.is_down(["a"])
    assert "SSLCertVerificationError" in caplog.text


def test_the_time_limit_ends_an_exchange_over_tls(
    server: TlsServer, caplog: pytest.LogCaptureFixture
) -> None:
    cache = cache_at(server, server.certificate, timeout=0.5)
    cache.get_or_compute("a", lambda: 1)
    with stopped_process(server.pid), stats.collected() as counted:
        assert [cache.get_or_compute("a", lambda: 2) for _ in range(3)] == [2, 2, 2]
    assert (counted.round_trips, counted.failures) == (1, 1)
    assert "TimeoutError" in caplog.text
