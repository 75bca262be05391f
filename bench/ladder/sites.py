"""All configurations and floors, running at the same time; one at a time gets the load."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from bench.ladder.configurations import (
    BARE_WSGI,
    CONSTANT,
    EDGE,
    NGINX_FILE,
    SITES,
    WHOLE,
    Configuration,
)
from bench.ladder.load import FORM_KEY, Request
from bench.lib import http, processes
from bench.lib.bare_wsgi import store
from bench.lib.database import ROOT
from bench.lib.servers import Gunicorn, bare, memcached_server, production
from bench.lib.sessions import members
from bench.pagecache.rivals import GZIP, put_page
from deploy.local.edge import Edge

WSGI = "bench.ladder.wsgi"
CONSTANT_SETTINGS = "bench.members.constant_settings"
STARTED = "django.core.wsgi:get_wsgi_application()"
# All configurations alike. The load says for each form which client it is of.
EQUAL = {"TRUSTED_PROXIES": "127.0.0.1", "CONTACT_EMAIL": "bench@kwippy.example", "RELEASE": "ladder"}


@dataclass(frozen=True)
class Site:
    """One running configuration. ``web`` are its processes, ``memcached`` its own server's address."""

    name: str
    port: int
    web: tuple[int, ...]
    worker: int
    pids: Mapping[str, tuple[int, ...]]
    memcached: str | None
    cookie: str = ""  # of the constant page alone

    def answer(self, request: Request) -> http.Answer:
        """The answer to one request, sent from here."""
        headers = GZIP | ({"Cookie": request.cookie} if request.cookie else {})
        if request.address:
            headers["X-Forwarded-For"] = request.address
        body = request.body.replace(FORM_KEY, str(uuid4()))
        return http.fetch(self.port, request.path, headers, body or None)


def start(stack: ExitStack, folder: Path, variables: Mapping[str, str], *, member: str) -> dict[str, Site]:
    """Starts the configurations, nginx and the floors. ``member`` are the cookies of one at the whole site,
    whose network page has as many bytes as the constant page."""
    found = {each.name: _site(stack, each, variables) for each in SITES.values()}
    whole = found[WHOLE]
    for _ in range(3):
        page = whole.answer(Request("/"))
    store(folder / "page", page.headers, page.body)
    edge = Edge(folder / "edge", gunicorn=whole.port)
    edge.start()
    stack.callback(edge.stop)
    put_page(edge.static, page.body)
    web = (*whole.web, edge.pid)
    pids = {"web": web, **{name: pid for name, pid in whole.pids.items() if name != "web"}}
    found[EDGE] = Site(EDGE, edge.port, web, whole.worker, pids, whole.memcached)
    found[NGINX_FILE] = Site(NGINX_FILE, edge.port, (edge.pid,), edge.pid, {"web": (edge.pid,)}, None)
    found[BARE_WSGI] = _floor(BARE_WSGI, stack.enter_context(bare(folder / "page")))
    found[CONSTANT] = _constant(stack, folder / "member", whole.answer(Request("/", member)))
    return found


def _site(stack: ExitStack, configuration: Configuration, variables: Mapping[str, str]) -> Site:
    cache = stack.enter_context(memcached_server(megabytes=64))
    processes.pin(cache.pid, processes.other_cores())
    ours = {**EQUAL, **variables, **configuration.variables, "MEMCACHED_SERVERS": cache.address}
    gunicorn = stack.enter_context(production(WSGI, variables=ours))
    pids = {"web": (gunicorn.worker,), "memcached": (cache.pid,)}
    return Site(configuration.name, gunicorn.port, pids["web"], gunicorn.worker, pids, cache.address)


def _floor(name: str, gunicorn: Gunicorn, memcached: str | None = None, cookie: str = "") -> Site:
    web = (gunicorn.worker,)
    return Site(name, gunicorn.port, web, gunicorn.worker, {"web": web}, memcached, cookie)


def _constant(stack: ExitStack, page: Path, like: http.Answer) -> Site:
    """The constant page for one member: session and user are in a memcached of their own."""
    cache = stack.enter_context(memcached_server(megabytes=64))
    processes.pin(cache.pid, processes.other_cores())
    variables = {"DJANGO_SETTINGS_MODULE": CONSTANT_SETTINGS, "MEMCACHED_SERVERS": cache.address}
    variables["BENCH_PAGE"] = str(page)
    store(page, like.headers, like.body)
    [member] = members(1, root=ROOT, variables=variables)
    gunicorn = production(STARTED, ready="/", headers={"Cookie": member.cookie}, variables=variables)
    return _floor(CONSTANT, stack.enter_context(gunicorn), cache.address, member.cookie)
