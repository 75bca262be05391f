"""All configurations and floors, running at the same time; one at a time gets the load."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from bench.ladder.configurations import (
    BARE_VIEW,
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
CONSTANT_SETTINGS = "bench.ladder.floor_settings"
AUTHORS = 200  # who publish by the bare view
STARTED = "django.core.wsgi:get_wsgi_application()"
# All configurations alike. The load says for each form which client it is of.
EQUAL = {"TRUSTED_PROXIES": "127.0.0.1", "CONTACT_EMAIL": "bench@kwippy.example", "RELEASE": "ladder"}


@dataclass(frozen=True)
class Site:
    """One running configuration. ``web`` are its processes, ``pids`` those whose processor time counts."""

    name: str
    port: int
    web: tuple[int, ...]
    worker: int
    pids: Mapping[str, tuple[int, ...]]
    cookies: tuple[str, ...] = ()  # of members, at a floor that has sessions of its own

    def answer(self, request: Request) -> http.Answer:
        """The answer to one request, sent from here."""
        headers = GZIP | ({"Cookie": request.cookie} if request.cookie else {})
        if request.address:
            headers["X-Forwarded-For"] = request.address
        body = request.body.replace(FORM_KEY, str(uuid4()))
        return http.fetch(self.port, request.path, headers, body or None)


def start(
    stack: ExitStack, folder: Path, variables: Mapping[str, str], names: Collection[str], *, member: str
) -> dict[str, Site]:
    """Starts the configurations of these names; if these are all, also nginx and the floors.

    ``member`` are the cookies of one at the whole site, whose network page has as many bytes as the constant
    page."""
    found = {name: run_site(stack, SITES[name], variables) for name in names}
    if len(found) < len(SITES):
        return found
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
    found[EDGE] = Site(EDGE, edge.port, web, whole.worker, pids)
    found[NGINX_FILE] = Site(NGINX_FILE, edge.port, (edge.pid,), edge.pid, {"web": (edge.pid,)})
    found[BARE_WSGI] = _floor(BARE_WSGI, stack.enter_context(bare(folder / "page")))
    like = whole.answer(Request("/", member))
    found |= _floors_of_django(stack, folder / "member", like)
    return found


def run_site(stack: ExitStack, configuration: Configuration, variables: Mapping[str, str]) -> Site:
    """Starts a configuration, with a memcached of its own."""
    cache = stack.enter_context(memcached_server(megabytes=64))
    processes.pin(cache.pid, processes.other_cores())
    ours = variables_of(configuration, variables, cache.address)
    gunicorn = stack.enter_context(production(WSGI, variables=ours))
    pids = {"web": (gunicorn.worker,), "memcached": (cache.pid,)}
    return Site(configuration.name, gunicorn.port, pids["web"], gunicorn.worker, pids)


def variables_of(
    configuration: Configuration, variables: Mapping[str, str], memcached: str
) -> dict[str, str]:
    return {**EQUAL, **variables, **configuration.variables, "MEMCACHED_SERVERS": memcached}


def _floor(name: str, gunicorn: Gunicorn, cookies: Sequence[str] = ()) -> Site:
    web = (gunicorn.worker,)
    return Site(name, gunicorn.port, web, gunicorn.worker, {"web": web}, tuple(cookies))


def _floors_of_django(stack: ExitStack, page: Path, like: http.Answer) -> dict[str, Site]:
    """The constant page and the bare view, for members whose sessions are in a memcached of their own."""
    cache = stack.enter_context(memcached_server(megabytes=64))
    processes.pin(cache.pid, processes.other_cores())
    variables = {"DJANGO_SETTINGS_MODULE": CONSTANT_SETTINGS, "MEMCACHED_SERVERS": cache.address}
    variables["BENCH_PAGE"] = str(page)
    store(page, like.headers, like.body)
    cookies = [member.cookie for member in members(AUTHORS, root=ROOT, variables=variables)]
    gunicorn = production(STARTED, ready="/", headers={"Cookie": cookies[0]}, variables=variables)
    running = stack.enter_context(gunicorn)
    return {name: _floor(name, running, cookies) for name in (CONSTANT, BARE_VIEW)}
