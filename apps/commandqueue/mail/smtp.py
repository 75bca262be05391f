"""An SMTP connection that reports each refused recipient and that a deadline can interrupt at any step.

The server's address and credentials come from Django's backend. The dialogue is our own, because Django's
drops the refused recipients, and does not say at which step a server stopped answering.
"""

import re
import smtplib
import socket
import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

from django.core.mail.backends.smtp import EmailBackend
from django.core.mail.utils import DNS_NAME

# Servers that limit the messages of a connection mostly allow 100.
MESSAGES_PER_CONNECTION = 100
# The time limit of a step, in seconds, unless the mailer's options set another.
STEP_TIMEOUT = 10.0
# An idle connection is closed after so many seconds.
IDLE_SECONDS = 5.0


class Reply(NamedTuple):
    code: int
    text: str

    @property
    def is_positive(self) -> bool:
        return 200 <= self.code < 300

    @property
    def is_permanent(self) -> bool:
        return 500 <= self.code < 600

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class ServerUnreachable(Exception):
    """The server can't be used: no connection, greeting, TLS or sign-in. The message is not at fault."""


class ConnectionLost(Exception):
    """The connection failed in the middle of a dialogue."""


class MessageRefused(Exception):
    """The server refused the message as a whole."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class ContentRefused(MessageRefused):
    """The server accepted the recipients, and refused the message after it was transferred."""


class Deadline:
    """The time limit for one message, which another thread enforces on the socket.

    A time limit for each step is not enough: a server that sends a byte now and then never exceeds it, and a
    message would have no time limit.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at: float | None = None
        self._socket: socket.socket | None = None

    def start(self, seconds: float) -> None:
        with self._lock:
            self._at = time.monotonic() + seconds

    def stop(self) -> None:
        with self._lock:
            self._at = None

    def remaining(self) -> float:
        """Seconds left. Raises TimeoutError when there are none."""
        with self._lock:
            left = STEP_TIMEOUT if self._at is None else self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the message took too long")
        return left

    def watch(self, sock: socket.socket) -> None:
        """Enforce the deadline on this socket from now on."""
        # On a duplicate: STARTTLS replaces the socket object.
        duplicate = sock.dup()
        with self._lock:
            previous, self._socket = self._socket, duplicate
        if previous is not None:
            previous.close()

    def unwatch(self) -> None:
        with self._lock:
            previous, self._socket = self._socket, None
        if previous is not None:
            previous.close()

    def enforce(self) -> bool:
        """Shut the socket down if the time is over; returns whether it is. For the supervising thread."""
        with self._lock:
            if self._at is None or time.monotonic() < self._at:
                return False
            if self._socket is not None:
                try:
                    # Wakes the thread that waits on the socket; closing would not.
                    self._socket.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # already closed
            return True


class _Smtp(smtplib.SMTP):
    def __init__(self, deadline: Deadline, host: str, port: int, **options: object) -> None:
        self.deadline = deadline
        super().__init__(host, port, **options)  # type: ignore[arg-type]

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.deadline.watch(sock)
        return sock


class _SmtpOverTls(smtplib.SMTP_SSL, _Smtp):
    # SMTP_SSL takes its socket from the next class in the MRO, so the handshake has its deadline too.
    def __init__(self, deadline: Deadline, host: str, port: int, **options: object) -> None:
        self.deadline = deadline
        smtplib.SMTP_SSL.__init__(self, host, port, **options)  # type: ignore[arg-type]


class SmtpConnection:
    """A connection to a mailer's server, opened when needed and reused for the next messages."""

    def __init__(self, mailer: EmailBackend, deadline: Deadline) -> None:
        self.mailer = mailer
        self.deadline = deadline
        self._smtp: smtplib.SMTP | None = None
        self._messages = 0
        self._used_at = 0.0

    def send(self, sender: str, recipients: Sequence[str], body: bytes) -> dict[str, Reply]:
        """Send one message; returns the recipients that were refused, if others have received it.

        Raises MessageRefused if no recipient received it, ServerUnreachable if it was not transferred, and
        ConnectionLost, after which it is unknown whether the server accepted it.
        """
        if self._messages >= MESSAGES_PER_CONNECTION:
            self.close()
        is_fresh = self._smtp is None
        try:
            try:
                refused = self._begin(sender, recipients)
            except ConnectionLost:
                if is_fresh:
                    raise
                # The server had closed the idle connection. Nothing was transferred.
                refused = self._begin(sender, recipients)
            self._transfer(body)
        except MessageRefused as refusal:
            self._reset(refusal.reply)
            raise
        except OSError as error:  # smtplib's errors are subclasses
            self.close()
            raise ConnectionLost(_error_text(error)) from error
        self._messages += 1
        self._used_at = time.monotonic()
        return refused

    def close_idle(self) -> None:
        if self._smtp is not None and time.monotonic() > self._used_at + IDLE_SECONDS:
            self.close()

    def close(self) -> None:
        """Close without waiting for the reply to QUIT, which may not come."""
        smtp, self._smtp, self._messages = self._smtp, None, 0
        if smtp is not None:
            if smtp.sock is not None:
                try:
                    smtp.sock.settimeout(0.5)
                    smtp.send(b"QUIT\r\n")
                except OSError:
                    pass
            smtp.close()
        self.deadline.unwatch()

    def _begin(self, sender: str, recipients: Sequence[str]) -> dict[str, Reply]:
        """Send all up to DATA; returns the refused recipients. Raises MessageRefused or ConnectionLost."""
        smtp = self._smtp or self._open()
        try:
            self._set_timeout(smtp, self._step())
            mail, rcpts, data = _envelope(smtp, sender, recipients)
        except OSError as error:  # smtplib's errors are subclasses
            self.close()
            raise ConnectionLost(_error_text(error)) from error
        refused = {to: reply for to, reply in zip(recipients, rcpts, strict=False) if not reply.is_positive}
        if data is not None and data.code == 354 and len(refused) < len(recipients) and mail.is_positive:
            return refused
        if data is not None and data.code == 354:
            self.close()  # it expects a message, and there is none to send
        if not mail.is_positive:
            raise MessageRefused(mail)
        if len(refused) == len(recipients):
            raise AllRecipientsRefused(refused)
        raise MessageRefused(data or mail)

    def _transfer(self, body: bytes) -> None:
        """Transfer the message. Raises MessageRefused or OSError."""
        smtp = self._smtp
        assert smtp is not None  # noqa: S101 - `_begin` has opened it
        smtp.send(re.sub(rb"(?m)^\.", b"..", body) + (b".\r\n" if body.endswith(b"\r\n") else b"\r\n.\r\n"))
        # All the time that is left: giving up on a server that is about to accept makes a duplicate.
        self._set_timeout(smtp, self.deadline.remaining())
        reply = _reply(smtp)
        if not reply.is_positive:
            raise ContentRefused(reply)

    def _open(self) -> smtplib.SMTP:
        """Connect, encrypt and sign in. Raises ServerUnreachable."""
        mailer = self.mailer
        try:
            options: dict[str, object] = {"local_hostname": DNS_NAME.get_fqdn(), "timeout": self._step()}
            host, port = str(mailer.host), int(mailer.port or 25)
            smtp: smtplib.SMTP
            if mailer.use_ssl:
                smtp = _SmtpOverTls(self.deadline, host, port, context=mailer.ssl_context, **options)
            else:
                smtp = _Smtp(self.deadline, host, port, **options)
            self._smtp = smtp
            if mailer.use_tls and not mailer.use_ssl:
                smtp.starttls(context=mailer.ssl_context)
            smtp.ehlo_or_helo_if_needed()
            if mailer.username and mailer.password:
                smtp.login(mailer.username, mailer.password)
        except OSError as error:  # smtplib's errors are subclasses
            self.close()
            raise ServerUnreachable(f"{mailer.host}:{mailer.port}: {_error_text(error)}") from error
        return smtp

    def _reset(self, reply: Reply) -> None:
        """Reset the connection for the next message, or close it."""
        if self._smtp is None:
            return
        try:
            if reply.code != 421 and _command(self._smtp, "RSET").is_positive:
                return
        except OSError:
            pass
        self.close()

    def _step(self) -> float:
        return min(self.mailer.timeout or STEP_TIMEOUT, self.deadline.remaining())

    def _set_timeout(self, smtp: smtplib.SMTP, seconds: float) -> None:
        if smtp.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        smtp.sock.settimeout(seconds)


class AllRecipientsRefused(MessageRefused):
    """Every recipient was refused, each with its own reply."""

    def __init__(self, refused: dict[str, Reply]) -> None:
        super().__init__(next(iter(refused.values())))
        self.refused = refused


def _envelope(
    smtp: smtplib.SMTP, sender: str, recipients: Sequence[str]
) -> tuple[Reply, list[Reply], Reply | None]:
    """Send MAIL, RCPT and DATA; returns the replies, the last one None if DATA was not sent."""
    commands = [f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{recipient}>" for recipient in recipients), "DATA"]
    if smtp.has_extn("pipelining"):
        smtp.send(("\r\n".join(commands) + "\r\n").encode("ascii"))
        mail, *rcpts, data = [_reply(smtp) for _ in commands]
        return mail, rcpts, data
    mail = _command(smtp, commands[0])
    rcpts = [_command(smtp, command) for command in commands[1:-1]] if mail.is_positive else []
    if not any(reply.is_positive for reply in rcpts):
        return mail, rcpts, None
    return mail, rcpts, _command(smtp, "DATA")


def _command(smtp: smtplib.SMTP, command: str) -> Reply:
    smtp.putcmd(command)
    return _reply(smtp)


def _reply(smtp: smtplib.SMTP) -> Reply:
    code, text = smtp.getreply()
    if code == -1:
        raise smtplib.SMTPServerDisconnected("the reply is not SMTP")
    return Reply(code, text.decode("ascii", "replace").replace("\n", " "))


def _error_text(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        return f"{error.smtp_code} {text.decode('ascii', 'replace') if isinstance(text, bytes) else text}"
    return str(error) or type(error).__name__
