"""The commands of marks in one memcached."""

from collections.abc import Iterator, Mapping, Sequence
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
        commands = [
            b"ms %s %d MA\r\n%s\r\nms %s %d ME T%d\r\n%s\r\nmg %s v c T%d\r\n"
            % (key, size, record, key, size, seconds, record, key, seconds)
            for key in keys
        ]
        return _items(keys, list(self._replies(commands, replies_each=3))[2::3])

    def look(self, keys: Sequence[bytes]) -> Mapping[bytes, Seen]:
        return _items(keys, self._replies([b"mg %s v c\r\n" % key for key in keys]))

    def remove(self, removals: Sequence[Removal]) -> list[bool]:
        replies = self._replies([_command(removal) for removal in removals])
        return [reply.code in (b"HD", b"NF") for reply in replies]

    def _replies(self, commands: Sequence[bytes], *, replies_each: int = 1) -> Iterator[Reply]:
        for batch in batched(commands, BATCH // replies_each):
            yield from self._at.exchange(b"".join(batch), len(batch) * replies_each)[1]


def _items(keys: Sequence[bytes], replies: Sequence[Reply] | Iterator[Reply]) -> Mapping[bytes, Seen]:
    return {
        key: Seen(reply.value, _number(reply))
        for key, reply in zip(keys, replies, strict=True)
        if reply.code == b"VA"
    }


def _number(reply: Reply) -> bytes:
    """Empty without compare-and-swap (memcached -C)."""
    numbers = [flag[1:] for flag in reply.flags if flag[:1] == b"c"]
    return numbers[0] if numbers and numbers[0] != b"0" else b""


def _command(removal: Removal) -> bytes:
    key, unique, rest, seconds = removal
    only = b" C" + unique if unique else b""
    if rest:
        return b"ms %s %d T%d%s\r\n%s\r\n" % (key, len(rest), seconds, only, rest)
    return b"md %s%s\r\n" % (key, only)
