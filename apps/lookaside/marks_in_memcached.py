"""The commands of marks in one memcached."""

from collections.abc import Mapping, Sequence
from itertools import batched

from apps.lookaside.client import Reply
from apps.lookaside.marks import Removal, Seen
from apps.lookaside.server import BATCH, Server


class Wire:
    """`marks.Commands` of a server."""

    def __init__(self, at: Server) -> None:
        self._at = at

    def append(self, keys: Sequence[bytes], record: bytes, seconds: int) -> Mapping[bytes, Seen]:
        size = len(record)
        # Append to the item, or else create one; an item that was there gets the mark's time to live.
        around_key = (
            b"ms ",
            b" %d MA\r\n%s\r\nms " % (size, record),
            b" %d ME T%d\r\n%s\r\nmg " % (size, seconds, record),
            b" v c T%d\r\n" % seconds,
        )
        replies: list[Reply] = []
        for batch in batched(keys, BATCH // 3):
            commands = b"".join([key.join(around_key) for key in batch])
            replies += self._at.exchange_without_waiting(commands, len(batch) * 3)
        return _items(keys, replies[2::3])

    def look(self, keys: Sequence[bytes]) -> Mapping[bytes, Seen]:
        return _items(keys, self._replies([b"mg %s v c\r\n" % key for key in keys]))

    def remove(self, removals: Sequence[Removal]) -> list[bool]:
        replies = self._replies([_command(removal) for removal in removals])
        return [reply.code in (b"HD", b"NF") for reply in replies]

    def _replies(self, commands: Sequence[bytes]) -> list[Reply]:
        replies: list[Reply] = []
        for batch in batched(commands, BATCH):
            replies += self._at.exchange(b"".join(batch), len(batch))[1]
        return replies


def _items(keys: Sequence[bytes], replies: Sequence[Reply]) -> Mapping[bytes, Seen]:
    # The first flag is the number: "c7". Without compare-and-swap (memcached -C) it is 0, and is no one's.
    return {
        key: Seen(reply.value, reply.flags[0][1:] if reply.flags[0] != b"c0" else b"")
        for key, reply in zip(keys, replies, strict=True)
        if reply.code == b"VA"
    }


def _command(removal: Removal) -> bytes:
    key, unique, rest, seconds = removal
    if not rest:
        return b"md %s C%s\r\n" % (key, unique) if unique else b"md %s\r\n" % key
    only = b" C" + unique if unique else b""
    return b"ms %s %d T%d%s\r\n%s\r\n" % (key, len(rest), seconds, only, rest)
