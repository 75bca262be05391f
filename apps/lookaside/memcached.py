"""The store in memcached: the commands of the meta protocol, and which server holds which key."""

import hashlib
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import batched
from typing import Any

from pymemcache.client.rendezvous import RendezvousHash

from apps.lookaside import marks as marking
from apps.lookaside.client import ERRORS, MetaClient, Reply
from apps.lookaside.marks import GRACE_SECONDS, Marks, is_marked, standing
from apps.lookaside.marks_in_memcached import Wire
from apps.lookaside.server import BATCH, Options, Server, server
from apps.lookaside.stores import LEASE_SECONDS, Answer, Fill, Lease
from apps.lookaside.values import LARGEST, Entry

logger = logging.getLogger(__name__)


class MemcachedStore:
    """A store in one or more servers. A key belongs to one of them, and is not cached while that is down."""

    def __init__(self, addresses: Sequence[str], options: Options) -> None:
        self._addresses = list(addresses)
        self.in_order = len(self._addresses) == 1
        self._options = options
        self._ring: Any = RendezvousHash(self._addresses, hash_function=_score)

    def fetch(self, keys: Sequence[bytes], peeks: Sequence[bytes] = ()) -> dict[bytes, Answer]:
        answers: dict[bytes, Answer] = {}
        for at, batch in self._batches([*keys, *peeks] if peeks else keys):
            commands = b"".join([
                b"mg %s v f\r\n" % key if key in peeks else b"mg %s v f c N%d\r\n" % (key, LEASE_SECONDS)
                for key in batch
            ])  # fmt: skip
            try:
                client, replies = at.exchange(commands, len(batch))
            except ERRORS:
                continue
            for key, reply in zip(batch, replies, strict=True):
                answer = parsed(key, reply, (at, client))
                if answer is not None:
                    answers[key] = answer
        return answers

    def fill(self, fills: Sequence[Fill]) -> None:
        commands = []
        refused = []
        for lease, entry, ttl in fills:
            if len(entry.data) > LARGEST:
                refused.append(lease)
            else:
                head = (lease.key, len(entry.data), ttl, entry.flags, lease.unique)
                commands.append((lease, b"ms %s %d T%d F%d C%s\r\n%s\r\n" % (*head, entry.data)))
        refused += [lease for lease, reply in exchange_leases(commands) if reply.code == b"SERVER_ERROR"]
        self.release(refused)

    def release(self, leases: Iterable[Lease]) -> None:
        exchange_leases([(lease, b"md %s C%s\r\n" % (lease.key, lease.unique)) for lease in leases])

    def mark(self, keys: Sequence[bytes], seconds: int) -> Marks:
        numbers: dict[bytes, bytes] = {}
        record = marking.new_record(seconds)
        for at, batch in self._batches(keys):
            try:
                numbers |= marking.mark(Wire(at), batch, record, seconds)
            except ERRORS as error:
                # The transaction goes on: its keys are deleted as without marks.
                logger.debug("%s: %s keys not marked: %r", at.address, len(batch), error)
        return Marks(record, numbers)

    def delete(self, keys: Sequence[bytes], marks: Marks | None = None) -> list[bytes]:
        failed: list[bytes] = []
        for at, batch in self._batches(keys):
            invalidate = None if marks is None else partial(marking.invalidate, Wire(at), batch, marks)
            if not at.delete(batch, invalidate):
                failed += batch
        return failed

    def clear(self) -> None:
        """Raises one of `client.ERRORS` if a server is down."""
        for address in self._addresses:
            server(address, self._options).exchange(b"flush_all\r\n", 1)

    def is_down(self, keys: Sequence[bytes]) -> bool:
        return any(at.is_down for at, _ in self._batches(keys))

    def _batches(self, keys: Sequence[bytes]) -> list[tuple[Server, Sequence[bytes]]]:
        """The keys by server, in the numbers that one round trip carries."""
        if len(self._addresses) == 1 and 0 < len(keys) <= BATCH:
            return [(server(self._addresses[0], self._options), keys)]
        shares: dict[str, list[bytes]] = defaultdict(list)
        for key in keys:
            shares[self._ring.get_node(key.decode())].append(key)
        return [
            (server(address, self._options), batch)
            for address, share in shares.items()
            for batch in batched(share, BATCH)
        ]


def _score(text: str, seed: int) -> int:
    """The hash function of the ring. pymemcache's default is Murmur3 in Python, which takes longer."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def parsed(key: bytes, reply: Reply, granted_by: tuple[Server, MetaClient]) -> Answer | None:
    """A reply to ``mg``; None for one that can't be used: the key is marked, or memcached has no memory."""
    if reply.code != b"VA":
        return None
    values = {flag[:1]: flag[1:] for flag in reply.flags}
    unique = values.get(b"c", b"0")
    # Without compare-and-swap (memcached -C) every number is 0, and protects nothing.
    lease = Lease(key, unique, granted_by) if unique != b"0" else None
    if b"W" in values:
        return Answer(None, lease) if lease else None
    if b"Z" in values and not reply.value:
        return Answer(None, None)
    if is_marked(reply.value):
        # One that a killed writer left on an item that lives longer than the mark.
        return None if standing(reply.value, grace=GRACE_SECONDS) else Answer(None, lease)
    flags = values.get(b"f", b"")
    return Answer(Entry(int(flags) if flags.isdigit() else 0, reply.value), lease)


def exchange_leases(commands: Iterable[tuple[Lease, bytes]]) -> list[tuple[Lease, Reply]]:
    """Sends each command on the connection that granted its lease; returns the replies that arrived."""
    shares: dict[tuple[Server, MetaClient], list[tuple[Lease, bytes]]] = defaultdict(list)
    for lease, command in commands:
        shares[lease.granted_by].append((lease, command))
    replies: list[tuple[Lease, Reply]] = []
    for (at, client), share in shares.items():
        for batch in batched(share, BATCH):
            leases, texts = zip(*batch, strict=True)
            replies += zip(leases, at.exchange_on(client, b"".join(texts), len(batch)), strict=False)
    return replies
