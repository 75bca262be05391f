"""What one request costs in statements, rows, bytes, round trips and connections.

For each configuration a second process of its own is started, which reaches PostgreSQL and a memcached of its
own through relays. Each scenario is asked a few times, then counted: one request after the other, on warm
caches. The processes that are timed are not touched.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.ladder.configurations import Configuration
from bench.ladder.meters import Meters
from bench.ladder.relay import Relay, Wire
from bench.ladder.sites import WSGI, Site, variables_of
from bench.lib.database import Server
from bench.lib.servers import memcached_server, production
from deploy.local import services

WARMED = 3  # requests before those that are counted
COUNTED = 1
# After the last answer, in which a site closes its connections.
QUIET_SECONDS = 0.1


@dataclass(frozen=True)
class Counted:
    """One configuration whose servers are behind relays."""

    site: Site
    meters: Meters
    postgresql: Wire
    memcached: Wire

    def cost(self, send: Callable[[Site, int], None]) -> dict[str, float]:
        """Of one request, after some that warm the caches. ``send`` has the site answer so many."""
        send(self.site, WARMED)
        before = self._read()
        send(self.site, COUNTED)
        after = self._read()
        return {name: round((after[name] - before[name]) / COUNTED, 2) for name in after}

    def _read(self) -> Mapping[str, int]:
        time.sleep(QUIET_SECONDS)
        statements, rows = self.meters.statements()
        return {
            "statements": statements,
            "rows": rows,
            "postgresql_bytes": self.postgresql.received,
            "postgresql_round_trips": self.postgresql.round_trips,
            "postgresql_connections": self.postgresql.connections,
            "memcached_round_trips": self.memcached.round_trips,
            "memcached_connections": self.memcached.connections,
        }


@contextmanager
def counted(
    configuration: Configuration, folder: Path, server: Server, meters: Meters, variables: Mapping[str, str]
) -> Iterator[Counted]:
    """Runs a configuration behind relays. ``folder`` is for their sockets."""
    sockets = services.socket_directory(folder)
    # The name by which libpq looks for it.
    postgresql, memcached = sockets / ".s.PGSQL.5432", sockets / "memcached.sock"
    for path in (postgresql, memcached):
        path.unlink(missing_ok=True)
    with (
        memcached_server() as cache,
        Relay(postgresql, server.sockets / postgresql.name) as database,
        Relay(memcached, cache.socket) as lookups,
    ):
        ours = variables_of(configuration, variables, f"unix:{memcached}") | {"DATABASE_HOST": str(sockets)}
        with production(WSGI, variables=ours) as gunicorn:
            site = Site(configuration.name, gunicorn.port, (gunicorn.worker,), gunicorn.worker, {})
            yield Counted(site, meters, database.wire, lookups.wire)
