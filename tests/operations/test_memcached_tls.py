"""The site talks TLS to memcached where MEMCACHED_TLS_CA names an authority."""

import json
from pathlib import Path

import pytest

from apps.lookaside.tests.tls_server import tls_server
from tests.support.http import request
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.asvs("12.3.2", "12.3.4")
@pytest.mark.parametrize("tls", [True, False])
def test_memcached_with_tls_is_ready_only_with_its_authority(tmp_path: Path, tls: bool) -> None:
    with tls_server(tmp_path / "run") as server:
        variables = {"MEMCACHED_TLS_CA": str(server.certificate) if tls else ""}
        with served(memcached=f"localhost:{server.port}", workers=1, variables=variables) as port:
            state = json.loads(request(port, "/readyz").body)
    assert state == {"postgresql": True, "migrations": True, "memcached": tls}
