"""A mail server that is fast, slow or dead, as its standard input says, a word a line; it repeats the word.

`python -m bench.ladder.mail_server PORT`. Slow: each message is accepted after half a second. Dead: nothing
listens at the port.
"""

import asyncio
import sys
from asyncio import StreamReader, StreamWriter

from bench.commandqueue.smtp_sink import converse

SLOW_SECONDS = 0.5


class MailServer:
    """Accepts and drops messages."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._delay = 0.0
        self._server: asyncio.Server | None = None

    async def become(self, mode: str) -> None:
        self._delay = SLOW_SECONDS if mode == "slow" else 0.0
        if mode == "dead" and self._server:
            self._server.close()
            self._server = None
        elif mode != "dead" and self._server is None:
            self._server = await asyncio.start_server(self._converse, "127.0.0.1", self._port, limit=2**24)

    async def _converse(self, reader: StreamReader, writer: StreamWriter) -> None:
        await converse(reader, writer, lambda: self._delay)


async def main() -> None:
    server = MailServer(int(sys.argv[1]))
    loop = asyncio.get_running_loop()
    while word := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        await server.become(word)
        print(word, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
