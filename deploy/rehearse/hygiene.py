"""Checks each container: its user, privileges, limits and open ports; and secrets and ids in logs."""

import json
import re
from typing import Any

from deploy.rehearse.figures import logged
from deploy.rehearse.stack import DOMAIN, SERVICES, RehearsalError, Stack, run, wait_for
from deploy.rehearse.terminal import Operator
from deploy.rehearse.visitor import Visitor

# No compiler, no way to install anything, no program with another user's rights.
HARDENED = """
for program in cc gcc clang make pip pip3 apt apt-get; do if command -v $program; then exit 1; fi; done
for module in pip ensurepip; do if python -c "import $module" 2>/dev/null; then exit 1; fi; done
[ -z "$(find / -xdev -type f -perm /6000 2>/dev/null)" ]
"""
READ_STATUS = "cat /proc/[0-9]*/status"


def play(stack: Stack, operator: Operator) -> None:
    files = (stack.folder / "secrets").iterdir()
    secrets = {path.name: path.read_text().strip() for path in files if path.read_text().strip()}
    for service in (*SERVICES, "mailpit"):
        for container in stack.containers(service):
            inspected = stack.inspect(container)
            check_user(service, container)
            check_privileges(service, inspected)
            check_limits(service, inspected)
            check_no_secret(service, json.dumps(inspected), secrets)
    check_image(stack, secrets)
    check_request_id(stack)
    check_process_names(stack)
    print("no root, no visible secret, no public port but nginx; one request id through all logs")


def demand(condition: object, what: str) -> None:
    if not condition:
        raise RehearsalError(what)


def check_user(service: str, container: str) -> None:
    status = run("docker", "exec", container, "sh", "-c", READ_STATUS, check=False).stdout
    users = set(re.findall(r"^Uid:\s+(.*)$", status, re.MULTILINE))
    powers = set(re.findall(r"^Cap(?:Prm|Eff):\s+(\w+)$", status, re.MULTILINE))
    demand(users, f"the processes of {service} can't be seen")
    demand(all("0" not in user.split() for user in users), f"{service} runs as root: {users}")
    demand(powers == {"0000000000000000"}, f"{service} has capabilities: {powers}")


def check_privileges(service: str, inspected: dict[str, Any]) -> None:
    host = inspected["HostConfig"]
    demand(host["ReadonlyRootfs"], f"{service} can write to its image")
    demand("no-new-privileges:true" in host["SecurityOpt"], f"{service} may gain privileges")
    demand(not host["Privileged"], f"{service} is privileged")
    ports_by_name = (inspected["NetworkSettings"]["Ports"] or {}).values()
    published = [port for ports in ports_by_name for port in ports or []]
    outward = [port for port in published if port["HostIp"] != "127.0.0.1"]
    demand(not published or service in ("nginx", "mailpit", "syslog"), f"{service} publishes {published}")
    demand(not outward or service == "nginx", f"{service} publishes {outward}")


def check_limits(service: str, inspected: dict[str, Any]) -> None:
    host = inspected["HostConfig"]
    demand(host["Memory"], f"{service} may take all memory")
    log = host["LogConfig"]["Config"]
    demand("max-size" in log and "max-file" in log, f"the log of {service} grows without end")
    demand(host["RestartPolicy"]["Name"] == "unless-stopped", f"{service} is not restarted")


def check_no_secret(where: str, text: str, secrets: dict[str, str]) -> None:
    for name, value in secrets.items():
        demand(value not in text, f"{name} can be read in {where}")


def check_image(stack: Stack, secrets: dict[str, str]) -> None:
    image = stack.image
    history = run("docker", "history", "--no-trunc", "--format", "{{.CreatedBy}}", image).stdout
    check_no_secret("the image's history", history + json.dumps(stack.inspect(image)), secrets)
    run("docker", "run", "--rm", "--network", "none", image, "sh", "-c", HARDENED)
    bom = json.loads(
        run("docker", "run", "--rm", "--network", "none", image, "cat", "/app/sbom.cdx.json").stdout
    )
    names = {part["name"] for part in bom["components"]}
    demand({"django", "python", "libc6"} <= names, "the image's list of what it consists of is not whole")
    files = set(run("docker", "run", "--rm", "--network", "none", image, "ls", "-A", "/app").stdout.split())
    expected = {
        "apps",
        "deploy",
        "kwippy",
        "manage.py",
        "requirements.txt",
        "sbom.cdx.json",
        "static",
        "templates",
        "locale",
        "__pycache__",
    }
    demand(files <= expected, f"the image holds {sorted(files - expected)}")


def check_request_id(stack: Stack) -> None:
    """The logs of nginx and web and the response have the same request id."""
    answer = Visitor(stack.https).get("/nobody-of-this-name/")
    wanted = answer.headers["X-Request-ID"]
    for service in ("nginx", "web"):

        def found(service: str = service) -> int:
            return len([line for line in logged(stack, service) if line.get("request_id") == wanted])

        # The line is logged after the response.
        wait_for(found, f"the request in the log of {service}", service)
        demand(found() == 1, f"{service} has logged the request {found()} times")
    logged(stack, "worker")
    # Links in mail contain a secret key.
    secret = f"/accounts/confirm-email/{'k' * 40}/"
    Visitor(stack.https).get(secret)
    inspected = stack.logs("nginx") + stack.logs("web")
    demand("k" * 40 not in inspected, "a key from a mail is in the logs")
    strange = Visitor(stack.https).get("/", Host=f"other.{DOMAIN}")
    demand(strange.status == 421, f"a strange host was answered with {strange.status}")


def check_process_names(stack: Stack) -> None:
    """PostgreSQL shows the name of each process, and `/metrics` serves the internal network."""
    program = "from urllib.request import urlopen; print(urlopen('http://web:8000/metrics').read().decode())"
    metrics = stack.exec("worker", "python", "-c", program)
    demand("kwippy_request_seconds" in metrics, "web tells prometheus nothing")
    asked = "SELECT DISTINCT application_name FROM pg_stat_activity"
    # A worker that waits holds no connection.
    for name in ("kwippy web", "kwippy worker"):
        wait_for(lambda name=name: name in stack.sql(asked).splitlines(), f"{name} at PostgreSQL")  # type: ignore[misc]
