"""The log on another machine: all of it arrives, and a log server that is away or hangs stops nothing."""

import shutil
from pathlib import Path

from deploy.rehearse import hygiene
from deploy.rehearse.stack import RehearsalError, Stack, run, wait_for
from deploy.rehearse.terminal import Operator
from deploy.rehearse.visitor import Visitor

SECTION = "The log on another machine"
HOST, PORT = "logs.kwippy.test", "6514"
PROGRAM = Path(__file__).with_name("log_server.py")
REQUESTS = 50


def play(stack: Stack, operator: Operator) -> None:
    server = LogServer(stack)
    visitor = Visitor(stack.https, domain=stack.domain)
    names = {"SYSLOG_SERVER": f"{HOST}:{PORT}", "CERTIFICATES": str(server.folder / "fullchain.pem")}
    try:
        # There is no such host yet. Docker's own driver by TLS would now start no container.
        operator.follow(SECTION, names=names)
        wait_for(lambda: stack.healthy("web") and stack.healthy("nginx"), "the site without its log server")
        check_sender(stack)
        before = ask(visitor)
        server.start()
        server.receives(before, "what was logged before the log server came")
        # Its receive buffer takes the first lines, and the sender keeps the others.
        run("docker", "pause", server.name)
        meanwhile = ask(visitor)
        stack.compose("restart", "--timeout", "20", "worker")
        run("docker", "unpause", server.name)
        server.receives(meanwhile, "what was logged while the log server hung")
        before_loss = troubles(stack)
        server.remove()
        wait_for(lambda: troubles(stack) > before_loss, "its loss to be noticed", "syslog")
        lost = ask(visitor)
        server.start()
        server.receives(lost, "what was logged while the log server was away")
        told = stack.script("deploy/status")
        if "syslog " not in told or " requests met a limit" not in told:
            raise RehearsalError(f"the status lacks the sender, or the figures of nginx's log:\n{told}")
        print(f"log server absent, hanging, killed: 0 of {3 * REQUESTS} requests failed, no line is missing")
    finally:
        server.remove()


def check_sender(stack: Stack) -> None:
    [container] = stack.containers("syslog")
    hygiene.check_user("syslog", container)
    hygiene.check_privileges("syslog", stack.inspect(container))
    hygiene.check_limits("syslog", stack.inspect(container))


def troubles(stack: Stack) -> int:
    """How often the sender has said that the log server does not take the log."""
    [container] = stack.containers("syslog")
    return run("docker", "logs", container).stdout.count("does not take the log")


def ask(visitor: Visitor) -> list[str]:
    """Requests pages; returns the ids of the requests."""
    ids = []
    for _ in range(REQUESTS):
        answer = visitor.get("/accounts/login/")
        if answer.status != 200:
            raise RehearsalError(f"a page was answered with {answer.status}", "web")
        ids.append(answer.headers["X-Request-ID"])
    return ids


class LogServer:
    """A container in the network of the sender, under the name that its certificate has."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.name = f"{stack.name}-log-server"
        self.folder = stack.place / "log-server"
        self.folder.mkdir()
        shutil.copy(PROGRAM, self.folder)
        whose = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
        files = ["-keyout", "privkey.pem", "-out", "fullchain.pem"]
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *whose, *files, cwd=self.folder)
        # It runs as the image's user.
        for path in (self.folder, *self.folder.iterdir()):
            path.chmod(0o755)

    def start(self) -> None:
        network = ("--network", f"{self.stack.name}_syslog", "--network-alias", HOST)
        program = (self.stack.image, "python", "-SI", "/log/log_server.py", PORT)
        files = ("/log/fullchain.pem", "/log/privkey.pem")
        volume = f"{self.folder}:/log:ro"
        run("docker", "run", "--detach", "--name", self.name, *network, "--volume", volume, *program, *files)

    def remove(self) -> None:
        run("docker", "rm", "--force", "--volumes", self.name, check=False)

    def receives(self, ids: list[str], what: str) -> None:
        """Waits for the lines of nginx and of web for each request."""

        def missing() -> set[tuple[str, str]]:
            lines = run("docker", "logs", self.name).stdout.splitlines()
            found = set()
            for service in ("nginx", "web"):
                text = "\n".join(line for line in lines if f"_{service}_" in line or f"-{service}-" in line)
                found |= {(service, one) for one in ids if one not in text}
            return found

        wait_for(lambda: not missing(), what, "syslog")
