"""docker-compose.yml and deploy/stack.yml: what is promised of both, and that both are the same site."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from deploy.local.postgres import QUIET, QUIET_ROLE

ROOT = Path(settings.BASE_DIR)
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
STACK: dict[str, Any] = yaml.safe_load((ROOT / "deploy/stack.yml").read_text())
SERVICES = {name: service for name, service in COMPOSE["services"].items() if "profiles" not in service}
both = pytest.mark.parametrize("name", SERVICES)
# What a swarm does in another way: by TCP, and with addresses that it gives out itself.
OTHERWISE = {"BIND", "TRUSTED_PROXIES", "UPSTREAMS"}


def megabytes(text: str) -> int:
    found = re.fullmatch(r"(\d+)m", text.lower())
    assert found, text
    return int(found[1])


def named(image: str) -> str:
    """An image without its registry and its tag; `${X:-name}` is the name."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", image).split("/")[-1].split(":")[0]


def test_the_stack_has_the_same_services_and_no_others() -> None:
    assert set(STACK["services"]) == set(SERVICES)
    assert set(STACK["secrets"]) == set(COMPOSE["secrets"])
    assert set(STACK["volumes"]) == set(COMPOSE["volumes"]) - {"sockets"}


@both
def test_a_service_is_the_same_in_both(name: str) -> None:
    one, many = SERVICES[name], STACK["services"][name]
    same = (
        "user",
        "command",
        "entrypoint",
        "healthcheck",
        "stop_grace_period",
        "logging",
        "cap_drop",
        "secrets",
    )
    for key in same:
        assert one.get(key) == many.get(key), key
    assert named(one["image"]) == named(many["image"])
    mine, theirs = dict(one.get("environment", {})), dict(many.get("environment", {}))
    for key in OTHERWISE:
        mine.pop(key, None)
        theirs.pop(key, None)
    assert {key: str(value).split(":?")[0] for key, value in mine.items()} == {
        key: str(value).split(":?")[0] for key, value in theirs.items()
    }
    limits = many["deploy"]["resources"]["limits"]
    assert megabytes(one["mem_limit"]) == megabytes(limits["memory"])
    assert one.get("pids_limit") == limits.get("pids")
    assert bool(one.get("read_only")) == bool(many.get("read_only")) or name == "postgres"


@both
def test_a_service_keeps_the_same_things_in_both(name: str) -> None:
    def kept(service: dict[str, Any]) -> set[str]:
        volumes = [volume for volume in service.get("volumes", []) if isinstance(volume, str)]
        return {volume for volume in volumes if not volume.startswith((".", "sockets:"))}

    assert kept(SERVICES[name]) == kept(STACK["services"][name])


def test_nginx_of_the_stack_has_each_file_that_compose_mounts() -> None:
    edge = ROOT / "deploy/edge"
    needed = {path for path in edge.rglob("*") if path.is_file() and path.name != "certified"}
    files = {name: ROOT / "deploy" / config["file"] for name, config in STACK["configs"].items()}
    placed = {
        Path(config["target"]): files[config["source"]].resolve()
        for config in STACK["services"]["nginx"]["configs"]
    }
    assert set(placed.values()) == needed | {ROOT / "deploy/nginx.conf"}
    for target, source in placed.items():
        assert target == Path("/") / source.relative_to(ROOT)


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_service_may_do_as_little_as_will_do(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert megabytes(service["mem_limit"]) > 0
    # memcached's image has a user of its own, which the rehearsal looks at.
    assert str(service.get("user", "")).split(":")[0] not in ("", "0", "root") or name == "memcached"
    ports = service.get("ports", [])
    assert not ports or name == "nginx" or all(port.startswith("127.0.0.1:") for port in ports)
    # nginx by IPv4 alone: without IPv6 in the network, all visitors by it would share one address.
    assert name != "nginx" or all(port.startswith("${LISTEN:-0.0.0.0}:") for port in ports)


def test_memory_limits_fit_a_small_machine() -> None:
    assert sum(megabytes(service["mem_limit"]) for service in SERVICES.values()) <= 2048


def test_no_secret_comes_by_the_environment() -> None:
    told = yaml.safe_dump({"compose": COMPOSE["services"], "stack": STACK["services"]})
    assert not re.search(r"(?:PASSWORD|SECRET_KEY|SECRET_KEY_FALLBACKS):", told)
    example = (ROOT / ".env.example").read_text()
    assert "PASSWORD=" not in example
    assert "SECRET" not in example


def test_only_what_an_operator_alone_can_know_has_to_be_filled_in() -> None:
    example = (ROOT / ".env.example").read_text()
    assert re.findall(r"^(\w+)=$", example, re.MULTILINE) == [
        "DOMAIN",
        "CONTACT_EMAIL",
        "SMTP_HOST",
        "SMTP_USER",
    ]
    # What is not filled in there is known to somebody.
    documents = (
        "README.md",
        "docker-compose.yml",
        "deploy/README.md",
        "deploy/ipv6.yml",
        "deploy/gunicorn.conf.py",
    )
    known = "".join((ROOT / name).read_text() for name in documents)
    for variable in re.findall(r"^#?(\w+)=", example, re.MULTILINE):
        assert variable in known or f"_{variable.split('_', 1)[-1]}`" in known, variable


def test_postgresql_logs_no_values_wherever_it_is_started() -> None:
    for services in (COMPOSE["services"], STACK["services"]):
        command = services["postgres"]["command"]
        assert [setting for setting in QUIET if f"-c{setting}" not in command] == []
        logging = [word for word in command if word.startswith("-clog_") and "log_line_prefix" not in word]
        assert {word.removeprefix("-c") for word in logging} == set(QUIET)
    assert f"{QUIET_ROLE};" in (ROOT / "deploy/postgres/10-kwippy.sh").read_text()
