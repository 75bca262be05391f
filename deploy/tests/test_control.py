"""deploy/edge/control: the files that it writes for nginx."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from apps.pagecache import shedding

CONTROL = Path(settings.BASE_DIR) / "deploy/edge/control"
# A stub nginx that prints its arguments; test_nginx.py runs the real one.
NGINX = '#!/bin/sh\necho "nginx $*"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With `control` for a folder of ours, and an nginx that starts at once."""
    (tmp_path / "control").write_text(CONTROL.read_text().replace("/run/nginx", str(tmp_path)))
    (tmp_path / "nginx").write_text(NGINX)
    for name in ("control", "nginx"):
        (tmp_path / name).chmod(0o755)
    return tmp_path


def start(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(folder / "control"), "start"],
        env={"PATH": f"{folder}:{os.environ['PATH']}", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("environment", "host"),
    [
        ({"DOMAIN": "kwippy.example"}, "kwippy.example"),
        ({"DOMAIN": "kwippy.example", "HTTPS_PORT": "443"}, "kwippy.example"),
        ({"DOMAIN": "Kwippy.Example", "HTTPS_PORT": "8443"}, "kwippy.example:8443"),
        (
            {"DOMAIN": "kwippy.example", "HTTPS_PORT": "8443", "SITE_URL": "https://kwippy.example/"},
            "kwippy.example",
        ),
        (
            {"DOMAIN": "kwippy.example", "SITE_URL": "https://kwippy.example:444"},
            "kwippy.example:444",
        ),
        # Django compares it with the Origin of a form, which has no default port.
        (
            {"DOMAIN": "kwippy.example", "SITE_URL": "https://Kwippy.example:443/"},
            "kwippy.example",
        ),
    ],
)
def test_the_site_is_named_as_visitors_write_it(folder: Path, environment: dict[str, str], host: str) -> None:
    done = start(folder, **environment)
    assert done.returncode == 0, done.stderr
    assert "nginx -c /deploy/nginx.conf" in done.stdout
    assert (folder / "server_name.conf").read_text() == "server_name kwippy.example;\n"
    assert (folder / "site_host.conf").read_text() == f"kwippy.example {host};\n"


@pytest.mark.parametrize(
    "domain",
    ["", "localhost:8443", "a.example b.example", "https://a.example", "my_site.example", "a;b", "*.a"],
)
def test_nginx_does_not_start_with_an_invalid_name(folder: Path, domain: str) -> None:
    done = start(folder, DOMAIN=domain)
    assert done.returncode == 1
    assert "must be a host name" in done.stderr
    assert "nginx -c" not in done.stdout


@pytest.mark.parametrize(
    ("environment", "places"),
    [
        ({}, "limit_conn cold_pages 8;\n"),
        ({"WEB_WORKERS": "3", "SHED_RENDERS": "2"}, "limit_conn cold_pages 24;\n"),
        ({"WEB_WORKERS": "", "SHED_RENDERS": ""}, "limit_conn cold_pages 8;\n"),
        ({"SHED_RENDERS": "0"}, ""),
        # Two gunicorns.
        ({"WEB_WORKERS": "1", "UPSTREAMS": "127.0.0.1:8000 127.0.0.2:8000"}, "limit_conn cold_pages 8;\n"),
    ],
)
def test_as_many_cold_pages_are_passed_on_as_the_processes_have_places(
    folder: Path, environment: dict[str, str], places: str
) -> None:
    assert 1 + shedding.WAITING == 4
    assert start(folder, DOMAIN="kwippy.example", **environment).returncode == 0
    assert (folder / "places.conf").read_text() == places


def test_it_listens_by_ipv6_where_there_is_any(folder: Path) -> None:
    assert start(folder, DOMAIN="kwippy.example").returncode == 0
    found = {path.name: path.read_text() for path in folder.glob("listen_*.conf")}
    listens = {"listen_plain.conf": "listen [::]:8080;\n", "listen_tls.conf": "listen [::]:8443 ssl;\n"}
    assert found == (listens if Path("/proc/net/if_inet6").exists() else {})


def test_every_server_for_the_world_includes_what_it_listens_at() -> None:
    """The first one is for other names: by IPv6, too."""
    text = (CONTROL.parent.parent / "nginx.conf").read_text()
    servers = re.findall(r"\n    server \{.*?\n    \}", text, re.DOTALL)
    found = [re.findall(r"include /run/nginx/(listen_\S+);", server) for server in servers]
    assert found == [[], ["listen_*.conf"], ["listen_plain*.conf"], ["listen_tls*.conf"]]


def test_gunicorns_on_other_hosts_are_those_of_upstreams(folder: Path) -> None:
    done = start(folder, DOMAIN="kwippy.example", UPSTREAMS="127.0.0.1:8000 127.0.0.2:8001")
    assert done.returncode == 0, done.stderr
    found = re.findall(r"  server (\S+) ", (folder / "http.conf").read_text())
    # Each twice: a request that one process dropped is sent again.
    assert found == ["127.0.0.1:8000"] * 2 + ["127.0.0.2:8001"] * 2
