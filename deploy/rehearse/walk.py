"""The short walk, on the other compose: up, a kwip, upgrade, backup, restore, down; and visitors by IPv6."""

import socket

from deploy.rehearse.figures import logged
from deploy.rehearse.opening import addresses, join, start
from deploy.rehearse.stack import RehearsalError, Stack, run, wait_for
from deploy.rehearse.terminal import Operator
from deploy.rehearse.visitor import Visitor, publish

# Older engines pass IPv6 client addresses on only if `ip6tables` is set.
IPV6_BY_DEFAULT = 27
DAEMON_CONFIG = "/etc/docker/daemon.json"


def play(stack: Stack, operator: Operator) -> None:
    """The first start of the guide, at https://localhost with another port."""
    stack.publish("the site")
    operator.follow("The first start", only="git clone", names={"ADDRESS": str(stack.origin)})
    start(stack, operator, "The first start")
    if own := ipv6_address():
        operator.type("docker-compose down")
        operator.set(COMPOSE_FILE="docker-compose.yml:deploy/ipv6.yml", EDGE_SUBNET="fd6b:7769:7071::/64")
    operator.follow("To try it", only="docker-compose")
    visitor = Visitor(stack.https, domain=stack.domain)
    wait_for(lambda: reached(visitor), "the first page", "nginx")
    bob = join(stack, "bob")
    address = publish(bob, "bob", "the kettle is on here too")
    addresses(stack)
    if own:
        check_client_addresses(stack, own)
    else:
        print("visitors by IPv6: not tested, this machine or its engine has no IPv6")
    operator.follow("Back up", only="deploy/backup", names={"FOLDER": "kept"})
    lost = publish(bob, "bob", "this is not in the backup")
    operator.follow("Upgrade")
    operator.follow("Restore", names={"FOLDER": "kept"})
    wait_for(lambda: "kettle" in visitor.get(address).text, "what the backup has", "nginx")
    if (status := visitor.get(lost).status) != 404:
        raise RehearsalError(f"a kwip newer than the backup got {status}", "postgres")
    if not stack.image.endswith(stack.setting("IMAGE_TAG")):
        raise RehearsalError(f"web runs {stack.image}", "web")
    stack.down()


def reached(visitor: Visitor) -> bool:
    try:
        return visitor.get("/livez").status == 200
    except OSError:
        return False


def ipv6_address() -> str:
    """An IPv6 address of this machine whose clients reach nginx with their own address; "" if none."""
    version = run("docker", "version", "--format", "{{.Server.Version}}").stdout
    config = run("sh", "-c", f"cat {DAEMON_CONFIG} 2>/dev/null", check=False).stdout
    if int(version.split(".")[0]) < IPV6_BY_DEFAULT and '"ip6tables": true' not in config:
        return ""
    # Not the loopback address: Docker's proxy would replace the client address.
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("2001:db8::1", 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def check_client_addresses(stack: Stack, own: str) -> None:
    """nginx logs each IPv6 client under its own address, and an IPv4 client under another.

    Docker's proxy passes ::1 on as any IPv6 address of this machine.
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

    wait_for(logs, "three visitors in the log", "nginx")
    if seen[own] != own or seen["127.0.0.1"] == own or ":" not in seen["::1"]:
        raise RehearsalError(f"wrong client addresses: {seen}", "nginx")
    print(f"visitors by IPv6: {own} is logged as {seen[own]}, ::1 as {seen['::1']}")
