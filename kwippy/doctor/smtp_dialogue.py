"""The dialogue with the mail server, spoken aloud: each step is a line, with the server's reply.

Each step has a time limit that a server can't stretch, not even by sending a byte now and then: a timer shuts
the socket down. The password is never printed.
"""

import contextlib
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from email.policy import SMTP
from email.utils import make_msgid, parseaddr

from django.conf import settings
from django.core.mail import EmailMessage, mailers
from django.core.mail.backends.smtp import EmailBackend
from django.core.mail.utils import DNS_NAME

from kwippy.doctor.report import Finding, State, not_checked, ok, one_line, warn, wrong

# Of one step. A server that takes longer is of no use to a queue either.
SECONDS = 10.0
# Lines of one reply; a server may send more of them than we want to hold.
MOST_LINES = 100
MAILER = "direct"


class Refused(Exception):
    """The server's reply was not what the step needs."""


class _Smtp(smtplib.SMTP):
    """With a bound on the lines of a reply."""

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = self.sock.makefile("rb")  # type: ignore[union-attr]
        lines = []
        for _ in range(MOST_LINES):
            line = self.file.readline(smtplib._MAXLINE + 1)  # type: ignore[attr-defined]
            if not line:
                self.close()
                raise smtplib.SMTPServerDisconnected("it closed the connection")
            code = line[:3]
            if len(line) > smtplib._MAXLINE or not (code.isdigit() and line[3:4] in b" -\r\n"):  # type: ignore[attr-defined]
                self.close()
                raise Refused(f"this is not SMTP: {one_line(line.decode('ascii', 'replace'))}")
            lines.append(line[4:].strip())
            if line[3:4] != b"-":
                return int(code), b"\n".join(lines)
        self.close()
        raise Refused(f"a reply of more than {MOST_LINES} lines")


class Dialogue:
    """One dialogue; `steps` yields a finding for each step, and ends with the first that fails."""

    def __init__(self, mailer: EmailBackend, recipient: str = "", *, seconds: float = SECONDS) -> None:
        self.mailer, self.recipient, self.seconds = mailer, recipient, seconds
        self.smtp = _Smtp(local_hostname=DNS_NAME.get_fqdn(), timeout=seconds)
        self._socket: socket.socket | None = None

    def steps(self) -> Iterator[Finding]:
        mailer = self.mailer
        plan: list[tuple[str, Callable[[], str], str]] = [
            ("connect", self._connect, "SMTP_HOST, SMTP_PORT; does your provider block the port?"),
            ("hello", self._hello, "is SMTP_PORT that of another service?"),
        ]
        if mailer.use_tls:
            plan.append(("starttls", self._starttls, TLS))
        if mailer.username and mailer.password:
            plan.append(("sign in", self._sign_in, "SMTP_USER, and secrets/smtp_password"))
        if self.recipient:
            plan += [
                (
                    "sender",
                    self._sender,
                    "DEFAULT_FROM_EMAIL: an address in whose name this account may send",
                ),
                ("recipient", self._recipient, "is the address right? May this account send to it?"),
                ("message", self._message, "the reply says why"),
            ]
        for name, step, mend in plan:
            finding = self._spoken(f"mail {name}", step, mend)
            yield finding
            if finding.state is State.WRONG:
                self._close()
                return
        if not mailer.use_tls and not mailer.use_ssl and str(mailer.host) not in ("localhost", "127.0.0.1"):
            yield warn("mail starttls", "SMTP_TLS is off: password and mail are sent in clear", "SMTP_TLS=on")
        with contextlib.suppress(OSError, Refused), self._limited():
            self.smtp.quit()
        self._close()

    def _close(self) -> None:
        self.smtp.close()
        if self._socket is not None:
            self._socket.close()

    def _spoken(self, name: str, step: Callable[[], str], mend: str) -> Finding:
        started = time.monotonic()
        late = threading.Event()
        try:
            with self._limited(late):
                said = step()
        except (OSError, Refused, ValueError) as error:  # smtplib's errors are OSErrors
            took = time.monotonic() - started
            if late.is_set() or isinstance(error, TimeoutError):
                return wrong(name, f"no answer within {took:.0f} s", mend)
            return wrong(name, _error_text(error), mend)
        return ok(name, f"{said} ({time.monotonic() - started:.2f} s)")

    @contextlib.contextmanager
    def _limited(self, late: threading.Event | None = None) -> Iterator[None]:
        """Shut the socket down after the time limit of a step."""

        def end() -> None:
            if late is not None:
                late.set()
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(self.seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    # ── The steps: what was said and answered. Raise OSError or Refused ─────────────────────────────

    def _connect(self) -> str:
        host, port = str(self.mailer.host), int(self.mailer.port or 25)
        sock = socket.create_connection((host, port), self.seconds)
        self.smtp.sock = sock
        # TLS replaces the socket object: a duplicate can be shut down at any time.
        self._socket = sock.dup()
        peer = sock.getpeername()[0]
        if self.mailer.use_ssl:
            self.smtp.sock = self.mailer.ssl_context.wrap_socket(sock, server_hostname=host)
        self.smtp._host = host  # type: ignore[attr-defined]  # the name that STARTTLS verifies
        code, text = self.smtp.getreply()
        return f"{host}:{port} ({peer}) {self._demand(220, code, text)}"

    def _hello(self) -> str:
        code, text = self.smtp.ehlo()
        return f"EHLO {self.smtp.local_hostname}: {self._demand(250, code, text)}"

    def _starttls(self) -> str:
        if not self.smtp.has_extn("starttls"):
            raise Refused("the server does not offer STARTTLS")
        code, text = self.smtp.starttls(context=self.mailer.ssl_context)
        self._demand(220, code, text)
        self._demand(250, *self.smtp.ehlo())
        version = self.smtp.sock.version() if isinstance(self.smtp.sock, ssl.SSLSocket) else ""
        return f"STARTTLS: {version}, its certificate is for {self.mailer.host}"

    def _sign_in(self) -> str:
        code, text = self.smtp.login(str(self.mailer.username), str(self.mailer.password))
        return f"AUTH as {self.mailer.username}: {self._demand(235, code, text, 503)}"

    def _sender(self) -> str:
        address = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
        return f"MAIL FROM:<{address}>: {self._demand(250, *self.smtp.mail(address))}"

    def _recipient(self) -> str:
        return f"RCPT TO:<{self.recipient}>: {self._demand(250, *self.smtp.rcpt(self.recipient), 251)}"

    def _message(self) -> str:
        message_id = make_msgid(domain=parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2])
        mail = EmailMessage(
            f"{settings.SITE_NAME}: a test of the mail server",
            f"`manage.py doctor` of {settings.SITE_URL} has sent this.\n",
            settings.DEFAULT_FROM_EMAIL,
            [self.recipient],
            headers={"Message-ID": message_id, "Auto-Submitted": "auto-generated"},
        )
        code, text = self.smtp.data(mail.message(policy=SMTP).as_bytes())
        return f"DATA {message_id}: {self._demand(250, code, text)}"

    def _demand(self, wanted: int, code: int, text: bytes, *also: int) -> str:
        reply = f"{code} {one_line(text.decode('utf-8', 'replace'))}"
        if code not in (wanted, *also):
            raise Refused(reply)
        return reply


TLS = "SMTP_HOST must be the name in the server's certificate; SMTP_TLS=off only on your own machine"


def greet() -> Iterator[Finding]:
    """The dialogue up to the sign-in, without a message; one line if all is well."""
    found = list(speak(""))
    bad = [finding for finding in found if finding.mend]
    if bad or not found:
        yield from bad
    elif found[0].name == "mail":
        yield from found
    else:
        yield ok("mail", found[-1].text)


def speak(recipient: str) -> Iterator[Finding]:
    """Each step of the dialogue, to the delivery of a message to ``recipient`` if there is one."""
    mailer = mailers[MAILER]
    if not isinstance(mailer, EmailBackend):
        yield not_checked("mail", f"not sent by SMTP: {type(mailer).__name__}")
        return
    yield from Dialogue(mailer, recipient).steps()


def _error_text(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        return f"{error.smtp_code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate: {error.verify_message}"
    return str(error) or type(error).__name__
