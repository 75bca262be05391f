"""docker-compose.yml: secrets, networks, limits and variables."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from deploy.local.postgres import QUIET, QUIET_ROLE

ROOT = Path(settings.BASE_DIR)
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SYSLOG: dict[str, Any] = yaml.safe_load((ROOT / "deploy/syslog.yml").read_text())
SENDER = {"syslog": SYSLOG["services"]["syslog"]}
SERVICES = {name: service for name, service in COMPOSE["services"].items() if "profiles" not in service}


def megabytes(text: str) -> int:
    found = re.fullmatch(r"(\d+)m", text.lower())
    assert found, text
    return int(found[1])


@pytest.mark.asvs("13.2.2")
@pytest.mark.parametrize("name", [*COMPOSE["services"], *SENDER])
def test_every_service_may_do_as_little_as_will_do(name: str) -> None:
    service = (COMPOSE["services"] | SENDER)[name]
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


@pytest.mark.asvs("13.3.2")
def test_no_secret_comes_by_the_environment() -> None:
    told = yaml.safe_dump([COMPOSE["services"], SYSLOG["services"]])
    assert not re.search(r"(?:PASSWORD|SECRET_KEY|SECRET_KEY_FALLBACKS):", told)
    example = (ROOT / ".env.example").read_text()
    assert "PASSWORD=" not in example
    assert "SECRET" not in example


@pytest.mark.asvs("13.2.3")
def test_each_secret_is_a_file_that_make_secrets_creates(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy/make-secrets", tmp_path / "deploy")
    subprocess.run([tmp_path / "deploy/make-secrets"], check=True, capture_output=True)
    made = {path.name for path in (tmp_path / "secrets").iterdir()}
    assert {secret["file"] for secret in (COMPOSE["secrets"] | SYSLOG["secrets"]).values()} == {
        f"./secrets/{name}" for name in made
    }
    for service in (COMPOSE["services"]["worker"], SENDER["syslog"]):
        named = {value for name, value in service["environment"].items() if name.endswith("_FILE")}
        assert named == {f"/run/secrets/{name}" for name in service["secrets"]}


def test_only_what_an_operator_alone_can_know_has_to_be_filled_in() -> None:
    example = (ROOT / ".env.example").read_text()
    assert re.findall(r"^(\w+)=$", example, re.MULTILINE) == [
        "DOMAIN",
        "CONTACT_EMAIL",
        "SMTP_HOST",
        "SMTP_USER",
    ]
    # A secret with a default value would be public.
    documents = (
        "docs/settings.md",
        "docker-compose.yml",
        "docs/running.md",
        "deploy/ipv6.yml",
        "deploy/syslog.yml",
        "deploy/gunicorn.conf.py",
    )
    known = "".join((ROOT / name).read_text() for name in documents)
    for variable in re.findall(r"^#?(\w+)=", example, re.MULTILINE):
        assert variable in known or f"_{variable.split('_', 1)[-1]}`" in known, variable


@pytest.mark.asvs("3.4.1")
def test_a_new_site_asks_for_tls_below_its_domain_and_an_upgrade_of_an_old_one_does_not() -> None:
    assert "HSTS_SUBDOMAINS=on\n" in (ROOT / ".env.example").read_text()
    nginx, site = COMPOSE["services"]["nginx"], COMPOSE["services"]["web"]
    assert nginx["environment"]["HSTS_SUBDOMAINS"] == "${HSTS_SUBDOMAINS:-off}"
    # The site reads `.env` itself.
    assert (site["env_file"], "HSTS_SUBDOMAINS" in site["environment"]) == (".env", False)


def test_postgresql_logs_no_values_wherever_it_is_started() -> None:
    command = COMPOSE["services"]["postgres"]["command"]
    assert [setting for setting in QUIET if f"-c{setting}" not in command] == []
    logging = [word for word in command if word.startswith("-clog_") and "log_line_prefix" not in word]
    assert {word.removeprefix("-c") for word in logging} == set(QUIET)
    assert f"{QUIET_ROLE};" in (ROOT / "deploy/postgres/10-kwippy.sh").read_text()


def test_what_runs_in_the_site_s_image_needs_no_shell() -> None:
    """A shell would read what is in a variable; and the image could do without one."""
    ours = {
        name: service
        for name, service in COMPOSE["services"].items()
        if "COMPOSE_PROJECT_NAME" in service["image"]
    }
    assert set(ours) == {"web", "worker", "migrate"}
    for service in ours.values():
        assert service.get("command", ["python"])[0] == "python"
        check = service.get("healthcheck", {"test": ["CMD", "python"]})["test"]
        assert check[:2] == ["CMD", "python"]
    dockerfile = (ROOT / "deploy/Dockerfile").read_text()
    assert re.search(r'(?m)^CMD \["python", ', dockerfile)
    assert "ENTRYPOINT" not in dockerfile
    last = dockerfile.rpartition("FROM ")[2]
    for gone in ("/pip*", "/ensurepip", "/apt*", "chmod a-s"):
        assert gone in last


@pytest.mark.asvs("16.4.3")
def test_every_service_that_stays_sends_its_log_and_waits_for_no_one() -> None:
    # The pictures of a backup go through the output of `migrate`.
    assert SYSLOG["services"].keys() - SENDER.keys() == SERVICES.keys() - {"migrate"}
    for name in SERVICES.keys() - {"migrate"}:
        assert SYSLOG["services"][name].keys() == {"logging"}
        logging = SYSLOG["services"][name]["logging"]
        options = logging["options"]
        assert (logging["driver"], options["mode"]) == ("syslog", "non-blocking")
        # By TCP no container would start while nothing listens there.
        assert options["syslog-address"].startswith("udp://127.0.0.1:")
        assert options["syslog-format"].startswith("rfc5424")
        assert options["tag"] == "{{.Name}}"
        assert options["max-buffer-size"] == "1m"
        # What `docker logs` reads is no larger than without it.
        local = SERVICES[name]["logging"]["options"]
        assert {f"cache-{key}": value for key, value in local.items()}.items() <= options.items()


def test_no_container_writes_lines_to_the_sender_and_its_own_log_is_not_sent() -> None:
    sender = SENDER["syslog"]
    assert sender["networks"] == ["syslog"]
    assert not any("syslog" in service.get("networks", []) for service in COMPOSE["services"].values())
    assert sender["logging"]["driver"] == "json-file"
    assert all("syslog" not in service.get("depends_on", {}) for service in COMPOSE["services"].values())
