"""Measures Flask's microblog beside kwippy: `python -m bench.peers.rounds FOLDER PYTHON [--publish]`.

FOLDER has the peer and PYTHON its packages: README.md says how. Both sites have one gunicorn worker of 8
threads on a core of its own, and take turns under wrk, page by page and round by round.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.lib import http, processes, report, results_page
from bench.lib.community import KWIPS, community
from bench.lib.database import Server, postgres
from bench.lib.http import Request
from bench.lib.measure import Ratio, Timing, rotated, times_as_fast
from bench.lib.report import Result
from bench.lib.servers import Gunicorn, gunicorn, memcached_server, production
from bench.lib.sessions import CSRF, SEED, session_of
from bench.peers import load

ROUNDS = 3
# Seconds of each turn. The peer takes more than one for a network.
SECONDS = {"everyone": 3, "profile": 3, "network": 10, "page_1000": 3}
VIEWERS = 200
# Of those whose network is read: about a hundred.
FOLLOWEES = range(80, 121)
DEEP = 1_000
THREADS = 8  # the default of WEB_THREADS
PACKAGES = (
    *("flask", "flask-sqlalchemy", "flask-login", "flask-wtf", "flask-babel", "flask-moment"),
    *("sqlalchemy", "jinja2", "werkzeug", "psycopg2-binary", "gunicorn"),
)
PEER, MEMBER, VISITOR = "microblog", "member", "visitor"
_COOKIES = """
import sys
from microblog import app
sign = app.session_interface.get_signing_serializer(app)
for line in sys.stdin:
    print(sign.dumps({"_user_id": line.strip(), "_fresh": False, "csrf_token": "0" * 40}))
"""
_VERSIONS = """
import sys
from importlib.metadata import version
print(*[name + "==" + version(name) for name in sys.argv[1:]])
"""


@dataclass
class Rival:
    """One site's way to serve a page: the requests, and what its turns took."""

    site: Gunicorn
    database: int
    requests: list[Request]
    timing: Timing = field(default_factory=Timing)
    served: int = 0
    cpu: dict[str, float] = field(default_factory=dict)

    def turn(self, folder: Path, *, seconds: float) -> None:
        pids = {"web": self.site.worker, "postgresql": self.database}
        before = {what: processes.cpu_seconds(pid) for what, pid in pids.items()}
        run = http.wrk_requests(self.site.port, self.requests, folder, seconds=seconds, seed=SEED)
        self.timing.rounds.append(run.milliseconds)
        self.served += run.requests
        for what, pid in pids.items():
            self.cpu[what] = self.cpu.get(what, 0.0) + processes.cpu_seconds(pid) - before[what]

    def as_json(self) -> dict[str, object]:
        answer = http.fetch(self.site.port, self.requests[0].path, {"Cookie": self.requests[0].cookie})
        return {
            "answers_a_second": [round(1000 / took, 1) for took in self.timing.rounds],
            "cpu_seconds_a_1000": {
                what: round(spent * 1000 / self.served, 3) for what, spent in self.cpu.items()
            },
            "bytes": len(answer.body),
        }


type Pages = dict[str, dict[str, Rival]]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.peers.rounds", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the peer is")
    parser.add_argument("python", help="the Python that has its packages")
    parser.add_argument("--publish", action="store_true", help="write the result to docs/results/")
    options = parser.parse_args(arguments)
    if options.publish:
        report.check_may_publish()
    result = run(options.folder.resolve(), str(Path(options.python).absolute()))
    path = report.write("peers", result, size="small", publish=options.publish)
    if options.publish:
        results_page.write()
    print("\n".join([*report.lines(result.figures), str(path)]))


def run(peer: Path, python: str) -> Result:
    """Measures all pages on copies of the small community."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cache = stack.enter_context(memcached_server(megabytes=256))
        server = stack.enter_context(postgres())
        for pid in (cache.pid, server.pid):
            processes.pin(pid, processes.other_cores())
        os.environ |= {"MEMCACHED_SERVERS": cache.address, "PEER_DATABASE": load.address(server)}
        stack.enter_context(community(server, "peers", kwips=KWIPS["small"]))
        rows = load.load(server, python, peer, community="peers")
        stack.callback(server.drop, load.NAME)
        found = pages(stack, server, peer, python)
        measure(found, folder, server)
        details = {
            "peer": peer_versions(peer, python),
            "rows": rows,
            "threads": THREADS,
            "pages": {
                name: {rival: each.as_json() for rival, each in by.items()} for name, by in found.items()
            },
        }
    return Result(figures(found), details, [])


def pages(stack: ExitStack, server: Server, peer: Path, python: str) -> Pages:
    """Starts both sites; the requests of each page."""
    from apps.accounts.models import User
    from apps.feeds.queries import everyone
    from apps.keyset import encode
    from apps.kwips.models import Kwip

    people = User.objects.filter(
        following_count__gte=FOLLOWEES.start, following_count__lt=FOLLOWEES.stop, is_active=True
    ).order_by("pk")
    viewers = random.Random(SEED).sample(list(people), min(VIEWERS, len(people)))
    author = User.objects.filter(is_private=False, is_active=True).order_by("-kwips_count", "pk")[10].username
    public = Kwip.objects.filter(thread=None, audience=None, visibility=0, withheld=0).order_by("-pk")
    cursor = encode(everyone(viewer_id=None).order, (public[(DEEP - 1) * 20 - 1].pk,))
    ours = [f"sessionid={session_of(viewer)}; csrftoken={CSRF}" for viewer in viewers]
    theirs = [f"session={value}" for value in cookies(peer, python, [viewer.pk for viewer in viewers])]
    kwippy = stack.enter_context(production())
    flask = stack.enter_context(
        gunicorn(
            "microblog:app",
            ready="/auth/login",
            threads=THREADS,
            python=python,
            PYTHONPATH=str(peer),
        )
    )
    processes.pin(flask.pid, processes.worker_core())

    def rivals(path: str, peer_path: str, *, public: bool = True) -> dict[str, Rival]:
        found = {
            MEMBER: Rival(kwippy, server.pid, [Request(path, cookie) for cookie in ours]),
            PEER: Rival(flask, server.pid, [Request(peer_path, cookie) for cookie in theirs]),
        }
        return found | ({VISITOR: Rival(kwippy, server.pid, [Request(path, "")])} if public else {})

    return {
        "everyone": rivals("/everyone/", "/explore"),
        "profile": rivals(f"/{author}/", f"/user/{author}"),
        "network": rivals("/", "/", public=False),
        "page_1000": rivals(f"/everyone/?before={cursor}", f"/explore?page={DEEP}", public=False),
    }


def cookies(peer: Path, python: str, ids: list[int]) -> list[str]:
    """The peer's sessions of these people, which it keeps in signed cookies."""
    words = [python, "-c", _COOKIES]
    lines = "\n".join(map(str, ids))
    return subprocess.run(
        words, cwd=peer, input=lines, stdout=subprocess.PIPE, text=True, check=True
    ).stdout.split()


def measure(found: Pages, folder: Path, server: Server) -> None:
    """Turns of all, round by round, after each has filled its caches."""
    for by in found.values():
        for name, rival in by.items():
            most = 8 if name == PEER else 2 * VIEWERS
            http.wrk_requests(rival.site.port, rival.requests, folder, seconds=60, seed=SEED, most=most)
    for number in range(ROUNDS):
        for page, by in found.items():
            for name in rotated(list(by), number):
                load.wait_until_idle(server)
                by[name].turn(folder, seconds=SECONDS[page])
        print(f"round {number + 1} of {ROUNDS}", file=sys.stderr)


def figures(found: Pages) -> dict[str, Ratio]:
    return {
        f"{page}_{name}_times_as_fast_as_microblog": times_as_fast(rival.timing, by[PEER].timing)
        for page, by in found.items()
        for name, rival in by.items()
        if name != PEER
    }


def peer_versions(peer: Path, python: str) -> list[str]:
    words = [python, "-c", _VERSIONS, *PACKAGES]
    return subprocess.run(words, cwd=peer, stdout=subprocess.PIPE, text=True, check=True).stdout.split()


if __name__ == "__main__":
    main()
