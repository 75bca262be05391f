"""A log server for rehearsals and tests: prints each message that it gets by TLS (RFC 5425), one a line.

`log_server.py PORT CERTIFICATE KEY [AUTHORITY]`: with an authority it asks each client for a certificate of
it. One client at a time. The standard library alone: it runs in a container of the site's image, too.
"""

import socket
import ssl
import sys
from collections.abc import Iterator
from typing import BinaryIO


def messages(stream: BinaryIO) -> Iterator[bytes]:
    """Each message of a stream. Raises ValueError for what has no length before it."""
    while head := b"".join(iter(lambda: stream.read(1).strip(), b"")):
        size = int(head)
        message = stream.read(size)
        if len(message) < size:
            return
        yield message


def main(port: int, certificate: str, key: str, authority: str = "") -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    if authority:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority)
    with socket.create_server(("", port)) as listener:
        print("listening", flush=True)
        while True:
            plain, _ = listener.accept()
            try:
                with context.wrap_socket(plain, server_side=True) as client:
                    print("a client", flush=True)
                    for message in messages(client.makefile("rb")):
                        print(message.decode(errors="replace"), flush=True)
            except (OSError, ValueError) as error:
                print(f"refused: {error}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
