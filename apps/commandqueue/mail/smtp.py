"""One SMTP connection that says exactly what was refused, and that a deadline can break off at any point.

Django's backend gives the address of the server and how to sign in; the dialogue is ours, because Django's
keeps neither the recipients that were refused nor the stage at which a server fell silent.
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

# Servers that limit the messages of a connection mostly stop at 100.
MESSAGES_A_CONNECTION = 100
# Seconds that a server may take for each step, where the mailer's options name no other time.
STEP_TIMEOUT = 10.0
# Seconds that a connection without work is kept.
IDLE = 5.0


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


class Unreachable(Exception):
    """The server could not be used: no connection, no greeting, no TLS, no sign-in. About no message."""


class Broken(Exception):
    """The dialogue broke off in the middle."""


class Refusal(Exception):
    """The server refused the message as a whole."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class Deadline:
    """The end of the time for one message, enforced on a socket from another thread.

    Timeouts of single steps do not add up to one: a server that sends a byte now and then keeps them all.
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
            raise TimeoutError("the time for one message is over")
        return left

    def watch(self, sock: socket.socket) -> None:
        """Enforce the deadline on this connection from now on."""
        # A duplicate of ours: TLS wraps the socket into another object halfway through.
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
        """Break the connection off if the time is over; returns whether it is. For another thread."""
        with self._lock:
            if self._at is None or time.monotonic() < self._at:
                return False
            if self._socket is not None:
                try:
                    # Wakes whoever waits in it, which closing would not.
                    self._socket.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # it is closed already
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
    # SMTP_SSL takes its socket from the next class in line, so the handshake has its deadline too.
    def __init__(self, deadline: Deadline, host: str, port: int, **options: object) -> None:
        self.deadline = deadline
        smtplib.SMTP_SSL.__init__(self, host, port, **options)  # type: ignore[arg-type]


class Line:
    """A connection to a mailer's server, opened when needed and kept for the next messages."""

    def __init__(self, mailer: EmailBackend, deadline: Deadline) -> None:
        self.mailer = mailer
        self.deadline = deadline
        self._smtp: smtplib.SMTP | None = None
        self._messages = 0
        self._used_at = 0.0

    def send(self, sender: str, recipients: Sequence[str], body: bytes) -> dict[str, Reply]:
        """Send one message; returns the recipients that were refused, if it went to the others.

        Raises Refusal if it went to nobody, Unreachable, or Broken. After either of these last two nobody
        knows a thing about the message but that no answer to it has arrived.
        """
        if self._messages >= MESSAGES_A_CONNECTION:
            self.close()
        is_fresh = self._smtp is None
        try:
            try:
                refused = self._begin(sender, recipients)
            except Broken:
                if is_fresh:
                    raise
                # The server had grown tired of a connection without work. Nothing was transferred.
                refused = self._begin(sender, recipients)
            self._transfer(body)
        except Refusal as refusal:
            self._reset(refusal.reply)
            raise
        except OSError as error:  # smtplib's are its kin
            self.close()
            raise Broken(_reason(error)) from error
        self._messages += 1
        self._used_at = time.monotonic()
        return refused

    def close_idle(self) -> None:
        if self._smtp is not None and time.monotonic() > self._used_at + IDLE:
            self.close()

    def close(self) -> None:
        """Leave without ceremony: a QUIT waits for an answer that may not come."""
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
        """Everything up to DATA; returns who was refused. Raises Refusal if nobody is left, or Broken."""
        smtp = self._smtp or self._open()
        try:
            self._set_timeout(smtp, self._step())
            mail, rcpts, data = _envelope(smtp, sender, recipients)
        except OSError as error:  # smtplib's are its kin
            self.close()
            raise Broken(_reason(error)) from error
        refused = {to: reply for to, reply in zip(recipients, rcpts, strict=False) if not reply.is_positive}
        if data is not None and data.code == 354 and len(refused) < len(recipients) and mail.is_positive:
            return refused
        if data is not None and data.code == 354:
            self.close()  # it waits for a message that nobody is to get
        if not mail.is_positive:
            raise Refusal(mail)
        if len(refused) == len(recipients):
            raise Recipients(refused)
        raise Refusal(data or mail)

    def _transfer(self, body: bytes) -> None:
        """The message itself. Raises Refusal, or what the socket raises."""
        smtp = self._smtp
        assert smtp is not None  # noqa: S101 - `_begin` has opened it
        smtp.send(re.sub(rb"(?m)^\.", b"..", body) + (b".\r\n" if body.endswith(b"\r\n") else b"\r\n.\r\n"))
        # All that is left: to leave a server that is still thinking makes a duplicate.
        self._set_timeout(smtp, self.deadline.remaining())
        reply = _reply(smtp)
        if not reply.is_positive:
            raise Refusal(reply)

    def _open(self) -> smtplib.SMTP:
        """A connection that is greeted, encrypted and signed in. Raises Unreachable."""
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
        except OSError as error:  # smtplib's are its kin
            self.close()
            raise Unreachable(f"{mailer.host}:{mailer.port}: {_reason(error)}") from error
        return smtp

    def _reset(self, reply: Reply) -> None:
        """Make the connection fit for the next message, or leave it."""
        if self._smtp is None:
            return
        try:
            if reply.code != 421 and _ask(self._smtp, "RSET").is_positive:
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


class Recipients(Refusal):
    """Every recipient was refused, each for a reason of its own."""

    def __init__(self, refused: dict[str, Reply]) -> None:
        super().__init__(next(iter(refused.values())))
        self.refused = refused


def _envelope(
    smtp: smtplib.SMTP, sender: str, recipients: Sequence[str]
) -> tuple[Reply, list[Reply], Reply | None]:
    """Say MAIL, RCPT and DATA; returns the answers, the last one None if DATA was not said."""
    commands = [f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{recipient}>" for recipient in recipients), "DATA"]
    if smtp.has_extn("pipelining"):
        smtp.send(("\r\n".join(commands) + "\r\n").encode("ascii"))
        mail, *rcpts, data = [_reply(smtp) for _ in commands]
        return mail, rcpts, data
    mail = _ask(smtp, commands[0])
    rcpts = [_ask(smtp, command) for command in commands[1:-1]] if mail.is_positive else []
    if not any(reply.is_positive for reply in rcpts):
        return mail, rcpts, None
    return mail, rcpts, _ask(smtp, "DATA")


def _ask(smtp: smtplib.SMTP, command: str) -> Reply:
    smtp.putcmd(command)
    return _reply(smtp)


def _reply(smtp: smtplib.SMTP) -> Reply:
    code, text = smtp.getreply()
    if code == -1:
        raise smtplib.SMTPServerDisconnected("what the server said is no SMTP")
    return Reply(code, text.decode("ascii", "replace").replace("\n", " "))


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        return f"{error.smtp_code} {text.decode('ascii', 'replace') if isinstance(text, bytes) else text}"
    return str(error) or type(error).__name__
