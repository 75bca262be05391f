"""nginx limits clients by IPv4 address and by IPv6 /64."""

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from deploy.local.edge import Edge
from tests.support.http import request

DEPLOY = Path(settings.BASE_DIR) / "deploy"
# With the directives that `control` writes for a load balancer, the test chooses the client address.
MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Forwarded-For;
    {map}
    server {{ listen 127.0.0.1:{port}; return 200 $network; }}
}}
"""


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """An nginx that says which network a visitor is of, by the map that the deployed one has."""
    program = Edge.program()
    assert program, "nginx is not installed"
    folder = tmp_path_factory.mktemp("networks")
    texts = "".join(path.read_text() for path in [DEPLOY / "nginx.conf", *DEPLOY.glob("edge/*.conf")])
    found = re.findall(r"map \$\w+ \$network \{.*?\n *\}", texts, re.DOTALL)
    assert len(found) == 1
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder, map=found[0], port=port))
    process = subprocess.Popen([program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"])
    try:
        until = time.monotonic() + 60
        while not listens(port):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def network(port: int, address: str) -> bytes:
    return request(port, "/", ("X-Forwarded-For", address)).body


@pytest.mark.parametrize(
    "addresses",
    [
        ["2001:db8:1:2::1", "2001:db8:1:2::ffff", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:ffff:ffff:ffff:ffff"],
        ["fd00:0:0:1::2", "fd00:0:0:1:aaaa::1", "fd00::1:aaaa:0:0:1"],
        ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:1:2:3:4"],
        ["0a0a:0a0a:0a0a:0a0a::1", "0a0a:0a0a:0a0a:0a0a:0d0a::"],
        ["203.0.113.1"],
        ["::1"],
    ],
)
def test_addresses_of_one_network_count_together(nginx: int, addresses: list[str]) -> None:
    assert len({network(nginx, address) for address in addresses}) == 1


def test_networks_count_apart(nginx: int) -> None:
    apart = [
        "2001:db8:1:2::1",
        "2001:db8:1:3::1",
        "2001:db8:2::1",
        "fd00::1:0:0:0:1",
        "fd00::2:0:0:0:1",
        "203.0.113.1",
        "203.0.113.2",
        "::1",
    ]
    assert len({network(nginx, address) for address in apart}) == len(apart)
