"""Mails as mail programs write them."""

import uuid
from email.message import EmailMessage

from apps.inbound import receiving
from apps.inbound.receiving import Outcome


def composed(to: str, text: str = "the kettle sings", *, sender: str = "ann@example.org", **headers: str):
    """A mail in plain text; an underscore stands for a hyphen in the names of headers."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"Ann <{sender}>", to, headers.pop("Subject", "hello")
    mail["Message-ID"] = headers.pop("message_id", f"<{uuid.uuid4()}@example.org>")
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()


def sent(to: str, text: str = "the kettle sings", **headers: str) -> Outcome:
    return receiving.receive(composed(to, text, **headers))
