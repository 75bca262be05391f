"""What the containers may do, seen from outside: as little as will do."""

import json
import re
from typing import Any

from deploy.rehearse.figures import logged
from deploy.rehearse.stack import DOMAIN, SERVICES, RehearsalError, Stack, patiently, run
from deploy.rehearse.terminal import Operator
from deploy.rehearse.visitor import Visitor

WHO = "cat /proc/[0-9]*/status"


def play(stack: Stack, operator: Operator) -> None:
    files = (stack.folder / "secrets").iterdir()
    secrets = {path.name: path.read_text().strip() for path in files if path.read_text().strip()}
    for service in (*SERVICES, "mailpit"):
        for container in stack.containers(service):
            told = stack.inspect(container)
            nobody_is_root(service, container)
            little_is_allowed(service, told)
            is_kept_within_bounds(service, told)
            tells_no_secret(service, json.dumps(told), secrets)
    image_is_bare(stack, secrets)
    one_request_has_one_id(stack)
    processes_have_names(stack)
    print("no root, no secret in sight, no door but nginx; one id through the logs")


def demand(condition: object, what: str) -> None:
    if not condition:
        raise RehearsalError(what)


def nobody_is_root(service: str, container: str) -> None:
    status = run("docker", "exec", container, "sh", "-c", WHO, check=False).stdout
    users = set(re.findall(r"^Uid:\s+(.*)$", status, re.MULTILINE))
    powers = set(re.findall(r"^Cap(?:Prm|Eff):\s+(\w+)$", status, re.MULTILINE))
    demand(users, f"the processes of {service} can't be seen")
    demand(all("0" not in user.split() for user in users), f"{service} runs as root: {users}")
    demand(powers == {"0000000000000000"}, f"{service} has capabilities: {powers}")


def little_is_allowed(service: str, told: dict[str, Any]) -> None:
    host = told["HostConfig"]
    demand(host["ReadonlyRootfs"], f"{service} can write to its image")
    demand("no-new-privileges:true" in host["SecurityOpt"], f"{service} may gain privileges")
    demand(not host["Privileged"], f"{service} is privileged")
    doors = (told["NetworkSettings"]["Ports"] or {}).values()
    published = [port for ports in doors for port in ports or []]
    outward = [port for port in published if port["HostIp"] != "127.0.0.1"]
    demand(not published or service in ("nginx", "mailpit"), f"{service} publishes {published}")
    demand(not outward or service == "nginx", f"{service} publishes {outward}")


def is_kept_within_bounds(service: str, told: dict[str, Any]) -> None:
    host = told["HostConfig"]
    demand(host["Memory"], f"{service} may take all memory")
    log = host["LogConfig"]["Config"]
    demand("max-size" in log and "max-file" in log, f"the log of {service} grows without end")
    demand(host["RestartPolicy"]["Name"] == "unless-stopped", f"{service} is not restarted")


def tells_no_secret(where: str, text: str, secrets: dict[str, str]) -> None:
    for name, value in secrets.items():
        demand(value not in text, f"{name} can be read in {where}")


def image_is_bare(stack: Stack, secrets: dict[str, str]) -> None:
    image = stack.image
    history = run("docker", "history", "--no-trunc", "--format", "{{.CreatedBy}}", image).stdout
    tells_no_secret("the image's history", history + json.dumps(stack.inspect(image)), secrets)
    run("docker", "run", "--rm", "--network", "none", image, "sh", "-c", "! command -v cc gcc clang make pip")
    files = set(run("docker", "run", "--rm", "--network", "none", image, "ls", "-A", "/app").stdout.split())
    expected = {
        "apps",
        "deploy",
        "kwippy",
        "manage.py",
        "requirements.txt",
        "static",
        "templates",
        "locale",
        "__pycache__",
    }
    demand(files <= expected, f"the image holds {sorted(files - expected)}")


def one_request_has_one_id(stack: Stack) -> None:
    """nginx, web and the answer name the same request."""
    answer = Visitor(stack.https).get("/nobody-of-this-name/")
    wanted = answer.headers["X-Request-ID"]
    for service in ("nginx", "web"):

        def found(service: str = service) -> int:
            return len([line for line in logged(stack, service) if line.get("request_id") == wanted])

        # A line is written once the answer is out.
        patiently(found, f"the request in the log of {service}", service)
        demand(found() == 1, f"{service} has logged the request {found()} times")
    logged(stack, "worker")
    # Links in mail carry a key.
    secret = f"/accounts/confirm-email/{'k' * 40}/"
    Visitor(stack.https).get(secret)
    told = stack.logs("nginx") + stack.logs("web")
    demand("k" * 40 not in told, "a key from a mail is in the logs")
    strange = Visitor(stack.https).get("/", Host=f"other.{DOMAIN}")
    demand(strange.status == 421, f"a strange host was answered with {strange.status}")


def processes_have_names(stack: Stack) -> None:
    """In PostgreSQL one sees who asks; and prometheus, inside, what is asked."""
    program = "from urllib.request import urlopen; print(urlopen('http://web:8000/metrics').read().decode())"
    metrics = stack.exec("worker", "python", "-c", program)
    demand("kwippy_request_seconds" in metrics, "web tells prometheus nothing")
    asked = "SELECT DISTINCT application_name FROM pg_stat_activity"
    # A worker that waits holds no connection.
    for name in ("kwippy web", "kwippy worker"):
        patiently(lambda name=name: name in stack.sql(asked).splitlines(), f"{name} at PostgreSQL")  # type: ignore[misc]
