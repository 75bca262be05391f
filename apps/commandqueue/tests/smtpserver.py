"""A real SMTP server (aiosmtpd) that misbehaves as it is told."""

import asyncio
import queue
import socket
import threading
from collections import defaultdict, deque
from email import message_from_bytes
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

# Where in the dialogue something can go wrong, in its order. FINAL is the answer to the message itself.
STAGES = ("GREETING", "EHLO", "MAIL", "RCPT", "DATA", "BODY", "FINAL")
HANG, DROP, ACCEPT_AND_DROP, DROP_AFTER, ACCEPT_AND_HANG, DRIP = (
    "hang", "drop", "accept and drop", "drop after", "accept and hang", "drip",
)  # fmt: skip


class Server:
    """Listens on one port of 127.0.0.1, also after `stop` and `start`."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.pipelining = True
        # What was accepted, in order.
        self.accepted: list[Envelope] = []
        self.connections = 0
        # Released when the server hangs at a stage that a test waits for.
        self.reached: queue.Queue[str] = queue.Queue()
        self._faults: dict[str, deque[str]] = defaultdict(deque)
        self._proceed = asyncio.Event()
        self._dialogues: set[SMTP] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        listening = threading.Event()
        self.connections = 0
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(listening)), daemon=True)
        self._thread.start()
        assert listening.wait(30)

    def stop(self) -> None:
        """Close the port and every connection."""
        if self._thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(30)
            assert not self._thread.is_alive()
            self._thread = None

    async def _serve(self, listening: threading.Event) -> None:
        self._loop, self._stop, self._proceed = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        server = await self._loop.create_server(
            lambda: _Smtp(self, hostname="test", loop=self._loop), "127.0.0.1", self.port
        )
        listening.set()
        await self._stop.wait()
        server.close()
        self._hang_up()
        # A thread that hangs in a fault goes on, finds the connection closed and ends.
        await asyncio.sleep(0.05)

    def _hang_up(self) -> None:
        self._proceed.set()
        for dialogue in self._dialogues:
            if dialogue.transport is not None:
                transport_of(dialogue).abort()
        self._dialogues.clear()

    def fail(self, stage: str, how: str, *, times: int = 1) -> None:
        """The next ``times`` that the dialogue comes to a stage: one of the words above, or a reply."""
        self._faults[stage].extend([how] * times)

    def proceed(self) -> None:
        """Let a dialogue that hangs at FINAL or QUIT go on."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._proceed.set)

    def message_ids(self) -> list[str]:
        return [
            str(message_from_bytes(envelope.original_content or b"")["Message-ID"])
            for envelope in self.accepted
        ]

    def reset(self) -> None:
        self.accepted.clear()
        self._faults.clear()

    async def _come_to(self, stage: str, smtp: SMTP) -> str | None:
        """What to answer instead of the usual, if anything."""
        faults = self._faults[stage]
        how = faults.popleft() if faults else ""
        if how == HANG:
            # It may still be set: a dialogue whose client has gone ends without waiting for it.
            self._proceed.clear()
            self.reached.put(stage)
            await self._proceed.wait()
        elif how == DROP:
            transport_of(smtp).abort()
        elif how == DRIP:
            self.reached.put(stage)
            while not transport_of(smtp).is_closing():
                await smtp.push("250-and another thing")
                await asyncio.sleep(0.05)
        elif how:
            return how
        return None

    # aiosmtpd's hooks.

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        answer = await self._come_to("EHLO", server)
        session.host_name = hostname
        if answer:
            return [answer]
        return responses[:-1] + ["250-PIPELINING"] * self.pipelining + responses[-1:]

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._come_to("MAIL", server)
        if not answer:
            envelope.mail_from = address
        return answer or "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._come_to("RCPT", server) or await self._come_to(address, server)
        if not answer:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        faults = self._faults["FINAL"]
        if faults and faults[0] in (ACCEPT_AND_DROP, ACCEPT_AND_HANG, DROP_AFTER):
            how = faults.popleft()
            self.accepted.append(envelope)
            if how == ACCEPT_AND_DROP:
                transport_of(server).abort()
            elif how == DROP_AFTER:
                asyncio.get_running_loop().call_later(0.01, transport_of(server).close)
            else:
                self._faults["FINAL"].appendleft(HANG)
                await self._come_to("FINAL", server)
            return "250 OK"
        answer = await self._come_to("FINAL", server)
        if not answer and not transport_of(server).is_closing():
            self.accepted.append(envelope)
        return answer or "250 OK"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return await self._come_to("QUIT", server) or "221 bye"


class _Smtp(SMTP):
    """aiosmtpd's server with two stages more."""

    def __init__(self, server: Server, *args: Any, **options: Any) -> None:
        self.misbehaving = server
        super().__init__(server, *args, **options)

    async def _handle_client(self) -> None:
        self.misbehaving.connections += 1
        self.misbehaving._dialogues.add(self)
        answer = await self.misbehaving._come_to("GREETING", self)
        if answer:
            await self.push(answer)
            transport_of(self).close()
            return
        await super()._handle_client()

    async def smtp_DATA(self, arg: str) -> None:
        answer = None
        if self.envelope is not None and self.envelope.rcpt_tos:
            answer = await self.misbehaving._come_to("DATA", self)
        if answer:
            await self.push(answer)  # and it waits for no message
        else:
            await super().smtp_DATA(arg)

    async def push(self, status: Any) -> None:
        text = status if isinstance(status, str) else status.decode()
        await super().push(status)
        if text.startswith("354"):
            # The message arrives and is not read.
            await self.misbehaving._come_to("BODY", self)


def transport_of(smtp: SMTP) -> asyncio.WriteTransport:
    assert isinstance(smtp.transport, asyncio.WriteTransport)
    return smtp.transport
