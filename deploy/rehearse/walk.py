"""The short walk, on the other compose: up, a kwip, upgrade, backup, restore, down; and visitors by IPv6."""

import socket

from deploy.rehearse.figures import logged
from deploy.rehearse.opening import addresses, join, start
from deploy.rehearse.stack import RehearsalError, Stack, patiently, run
from deploy.rehearse.terminal import Operator
from deploy.rehearse.visitor import Visitor, publish

# Engines of before this one hand addresses of IPv6 on only where they are told to.
HANDS_ON = 27
TOLD = "/etc/docker/daemon.json"


def play(stack: Stack, operator: Operator) -> None:
    """As a first trial, at https://localhost with another port."""
    stack.publish("the site")
    operator.follow("The first start", only="git clone", names={"ADDRESS": str(stack.origin)})
    start(stack, operator, "The first start")
    if own := by_ipv6():
        operator.type("docker-compose down")
        operator.set(COMPOSE_FILE="docker-compose.yml:deploy/ipv6.yml", EDGE_SUBNET="fd6b:7769:7071::/64")
    operator.follow("To try it", only="docker-compose")
    visitor = Visitor(stack.https, domain=stack.domain)
    patiently(lambda: reached(visitor), "the first page", "nginx")
    bob = join(stack, "bob")
    address = publish(bob, "bob", "the kettle is on here too")
    addresses(stack)
    if own:
        each_is_one(stack, own)
    else:
        print("visitors by IPv6: not tried, this machine or its engine has none")
    operator.follow("Back up", only="deploy/backup", names={"FOLDER": "kept"})
    lost = publish(bob, "bob", "this is not in the backup")
    operator.follow("Upgrade")
    operator.follow("Restore", names={"FOLDER": "kept"})
    patiently(lambda: "kettle" in visitor.get(address).text, "what the backup has", "nginx")
    if (status := visitor.get(lost).status) != 404:
        raise RehearsalError(f"what came after the backup was answered with {status}", "postgres")
    if not stack.image.endswith(stack.setting("IMAGE_TAG")):
        raise RehearsalError(f"web runs {stack.image}", "web")
    stack.down()


def reached(visitor: Visitor) -> bool:
    try:
        return visitor.get("/livez").status == 200
    except OSError:
        return False


def by_ipv6() -> str:
    """An address of this machine by which visitors are handed on; empty if there is none."""
    version = run("docker", "version", "--format", "{{.Server.Version}}").stdout
    told = run("sh", "-c", f"cat {TOLD} 2>/dev/null", check=False).stdout
    if int(version.split(".")[0]) < HANDS_ON and '"ip6tables": true' not in told:
        return ""
    # Of those that are no loopback: it never leaves the machine, and goes through Docker's proxy.
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("2001:db8::1", 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def each_is_one(stack: Stack, own: str) -> None:
    """nginx knows a visitor by IPv6 by their own address, and one by IPv4 by another.

    Docker's proxy hands ::1 on by whichever IPv6 address of this machine the kernel takes.
    """
    paths = {"::1": "/asked-by-loopback/", own: "/asked-by-ipv6/", "127.0.0.1": "/asked-by-ipv4/"}
    for address, path in paths.items():
        Visitor(stack.https, domain=stack.domain, address=address).get(path)
    seen: dict[str, str] = {}

    def logs() -> bool:
        for line in logged(stack, "nginx"):
            for address, path in paths.items():
                if line.get("path") == path:
                    seen[address] = str(line["client"])
        return len(seen) == len(paths)

    patiently(logs, "three visitors in the log", "nginx")
    if seen[own] != own or seen["127.0.0.1"] == own or ":" not in seen["::1"]:
        raise RehearsalError(f"visitors are taken for others: {seen}", "nginx")
    print(f"visitors by IPv6: {own} is known as {seen[own]}, ::1 as {seen['::1']}")
