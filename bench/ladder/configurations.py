"""Stock Django, Django's own best, each optimization alone, all but one, all of them, and floors."""

from collections.abc import Mapping
from dataclasses import dataclass

# The five of the README; caching is two of them: whole pages, and all that is read by its key.
OPTIMIZATIONS = ("pagecache", "lookaside", "sql", "dbpool", "commandqueue", "keyset")
BEST_SETTINGS = "bench.ladder.best_settings"
SETTINGS = "bench.ladder.settings"
ACCOUNTS = "apps.accounts.backends.AccountBackend"
CACHED_USERS = "apps.accounts.backends.CachedUserBackend"

STOCK, BEST, WHOLE, EDGE = "stock", "best", "whole", "edge"
NGINX_FILE, BARE_WSGI, CONSTANT, BARE_VIEW = "nginx file", "bare WSGI", "constant page", "bare view"
FLOORS = (NGINX_FILE, BARE_WSGI, CONSTANT, BARE_VIEW)


@dataclass(frozen=True, slots=True)
class Configuration:
    """One row of the ladder. ``backend`` is what a session of it names."""

    name: str
    variables: Mapping[str, str]
    backend: str

    @property
    def has_keyset(self) -> bool:
        """Whether its deep pages have a cursor for an address, or a number."""
        return "keyset" in self.variables.get("LADDER_ON", "").split(",")


def _with(name: str, *on: str) -> Configuration:
    variables = {"DJANGO_SETTINGS_MODULE": SETTINGS, "LADDER_ON": ",".join(on)}
    return Configuration(name, variables, CACHED_USERS if "lookaside" in on else ACCOUNTS)


def added(optimization: str) -> str:
    return f"with {optimization}"


def removed(optimization: str) -> str:
    return f"without {optimization}"


SITES: dict[str, Configuration] = {
    each.name: each
    for each in (
        _with(STOCK),
        Configuration(BEST, {"DJANGO_SETTINGS_MODULE": BEST_SETTINGS}, ACCOUNTS),
        *(_with(added(name), name) for name in OPTIMIZATIONS),
        *(
            _with(removed(name), *(other for other in OPTIMIZATIONS if other != name))
            for name in OPTIMIZATIONS
        ),
        _with(WHOLE, *OPTIMIZATIONS),
    )
}
MAIN = (STOCK, BEST, WHOLE)

# What "off" is, in words, for the published tables.
DESCRIPTIONS = {
    STOCK: "stock Django: `kwippy/settings/stock.py`, with the pages of `bench/ladder/pages.py`: the ORM "
    "with `select_related` and `prefetch_related`, `Paginator`, sessions and users from PostgreSQL, a "
    "connection for each request, mail within the request, no cache. What is not a timeline (the right "
    "column, a person's counts, writes) is the site's SQL, unprepared",
    BEST: "Django's own best, `bench/ladder/best_settings.py`: the same pages with persistent connections, "
    "`cached_db` sessions and the cache middleware (60 s) on `PyMemcacheCache`",
    WHOLE: "kwippy with all five, as it is deployed, one gunicorn worker of 8 threads",
    EDGE: "the same behind nginx with its microcache of a second",
    NGINX_FILE: "floor: nginx sends the front page as a compressed file",
    BARE_WSGI: "floor: gunicorn sends the same bytes by a WSGI callable that does nothing else",
    CONSTANT: "floor: Django's seven usual middlewares and a constant page; session and user from memcached",
    BARE_VIEW: "floor of a publish: the same middlewares, and a view that checks nothing and inserts "
    "the same rows by psycopg2, on a connection that stays open (`bench/ladder/bare_view.py`)",
    "pagecache": "off: `PAGECACHE = None`, Django renders each anonymous page",
    "lookaside": "off: sessions and users from PostgreSQL; each page renders its cards, for its viewer alone",
    "sql": "off: timelines by the ORM; what stays in `.sql` files (writes, small reads) is sent unprepared",
    "dbpool": "off: Django's engine with `CONN_MAX_AGE = 0`, a connection for each request",
    "commandqueue": "off: mail and tasks within the request",
    "keyset": "off: `?page=N` by Django's `Paginator`, which counts and skips (COUNT, OFFSET)",
}
