"""An SMTP server that accepts and drops every message, for machines without Postfix's smtp-sink."""

import asyncio
import sys
from collections.abc import Callable


async def converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: Callable[[], float] = lambda: 0.0
) -> None:
    """One connection. Each message is accepted after ``delay()`` seconds."""
    writer.write(b"220 sink\r\n")
    try:
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                writer.write(b"250-sink\r\n250 PIPELINING\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                await writer.drain()
                await reader.readuntil(b"\r\n.\r\n")
                await asyncio.sleep(delay())
                writer.write(b"250 taken\r\n")
            elif verb == b"QUIT":
                break
            else:
                writer.write(b"250 fine\r\n")
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(converse, "127.0.0.1", int(sys.argv[1]), limit=2**24)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
