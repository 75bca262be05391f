"""A store in one memcached, or in several that share the keys out among them."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import batched

from apps.lookaside.connection import Connection, Failure, Reply
from apps.lookaside.server import BATCH, Options, Server, server
from apps.lookaside.stores import LEASE_SECONDS, Answer, Fill, Lease
from apps.lookaside.values import LARGEST, Entry


class MemcachedStore:
    """A store in the servers at ``addresses``. A key has one home; if that is away, it is not cached."""

    def __init__(self, addresses: Sequence[str], options: Options) -> None:
        self._addresses = list(addresses)
        self._options = options

    def fetch(self, keys: Sequence[bytes]) -> Mapping[bytes, Answer]:
        answers: dict[bytes, Answer] = {}
        for at, batch in self._homes(keys):
            request = b"".join([b"mg %s v f c N%d\r\n" % (key, LEASE_SECONDS) for key in batch])
            try:
                connection, replies = at.exchange(request, len(batch))
            except Failure:
                continue
            for key, reply in zip(batch, replies, strict=True):
                answer = answered(key, reply, (at, connection))
                if answer is not None:
                    answers[key] = answer
        return answers

    def fill(self, fills: Sequence[Fill]) -> None:
        refused = [fill.lease for fill in fills if len(fill.entry.data) > LARGEST]
        fitting = [fill for fill in fills if len(fill.entry.data) <= LARGEST]

        def command(fill: Fill) -> bytes:
            lease, entry = fill.lease, fill.entry
            head = (lease.key, len(entry.data), fill.ttl, entry.flags, lease.unique)
            return b"ms %s %d T%d F%d C%s\r\n%s\r\n" % (*head, entry.data)

        for fill, reply in conditional(fitting, lambda fill: fill.lease, command):
            if reply.code == b"SERVER_ERROR":
                refused.append(fill.lease)
        self.release(refused)

    def release(self, leases: Iterable[Lease]) -> None:
        for _ in conditional(leases, lambda lease: lease, release_command):
            pass

    def delete(self, keys: Sequence[bytes]) -> list[bytes]:
        failed: list[bytes] = []
        for at, batch in self._homes(keys):
            if not at.delete(batch):
                failed += batch
        return failed

    def clear(self) -> None:
        """Raises Failure for a server that was not there to be emptied."""
        for address in self._addresses:
            server(address, self._options).exchange(b"flush_all\r\n", 1)

    def is_away(self, keys: Sequence[bytes]) -> bool:
        return any(at.is_away for at, _ in self._homes(keys))

    def _homes(self, keys: Sequence[bytes]) -> list[tuple[Server, Sequence[bytes]]]:
        """Servers and what to ask each of them at once."""
        if len(self._addresses) == 1 and 0 < len(keys) <= BATCH:
            return [(server(self._addresses[0], self._options), keys)]
        shares: dict[str, list[bytes]] = defaultdict(list)
        for key in keys:
            shares[home(key, self._addresses)].append(key)
        return [
            (server(address, self._options), batch)
            for address, share in shares.items()
            for batch in batched(share, BATCH)
        ]


def home(key: bytes, addresses: Sequence[str]) -> str:
    """The one server for a key, by rendezvous: one more or fewer moves only the keys that it gets or had."""
    return max(addresses, key=lambda address: hashlib.blake2b(key + address.encode(), digest_size=8).digest())


def answered(key: bytes, reply: Reply, granted_by: tuple[Server, Connection]) -> Answer | None:
    """What memcached's answer to ``mg`` says; None for no use, when it is out of memory, say."""
    if reply.code != b"VA":
        return None
    values = {flag[:1]: flag[1:] for flag in reply.flags}
    unique = values.get(b"c", b"0")
    # Without compare-and-swap (memcached -C) every number is 0, and a lease is worth nothing.
    lease = Lease(key, unique, granted_by) if unique != b"0" else None
    if b"W" in values:
        return Answer(None, lease) if lease else None
    if b"Z" in values and not reply.value:
        return Answer(None, None)
    flags = values.get(b"f", b"")
    return Answer(Entry(int(flags) if flags.isdigit() else 0, reply.value), lease)


def conditional[T](
    things: Iterable[T], lease_of: Callable[[T], Lease], command: Callable[[T], bytes]
) -> Iterator[tuple[T, Reply]]:
    """Sends what depends on a lease where the lease came from, and gives the replies that there were."""
    shares: dict[tuple[Server, Connection], list[T]] = defaultdict(list)
    for thing in things:
        shares[lease_of(thing).granted_by].append(thing)
    for (at, connection), share in shares.items():
        for batch in batched(share, BATCH):
            request = b"".join([command(thing) for thing in batch])
            yield from zip(batch, at.fill(connection, request, len(batch)), strict=False)


def release_command(lease: Lease) -> bytes:
    return b"md %s C%s\r\n" % (lease.key, lease.unique)
