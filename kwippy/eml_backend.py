"""A mail backend that writes each message to an `.eml` file, for sites without SMTP."""

import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from email import policy
from pathlib import Path
from typing import Any

from django.core.mail import EmailMessage, InvalidMailer
from django.core.mail.backends.base import BaseEmailBackend


class EmlFileBackend(BaseEmailBackend):
    """Writes to OPTIONS["directory"], and creates it if it is absent.

    File names sort by time, can't be guessed and don't collide. A file is renamed into place when it is
    complete, so that no reader sees half a message.
    """

    alias: str | None

    def __init__(self, *, directory: str | os.PathLike[str] = "", **kwargs: Any) -> None:
        """Raises InvalidMailer for a missing or unusable directory, or for an unknown option."""
        super().__init__(**kwargs)
        if not directory:
            raise InvalidMailer("OPTIONS must define 'directory'.", alias=self.alias)
        self.directory = Path(directory)
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidMailer(
                f"'directory' can't be used: {self.directory} ({error.strerror})", alias=self.alias
            ) from error

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Writes each message that has recipients; returns their number. Raises OSError."""
        addressed = [message for message in email_messages if message.recipients()]
        for message in addressed:
            self._write(message.message(policy=policy.SMTP).as_bytes())
        return len(addressed)

    def _write(self, content: bytes) -> None:
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}-{secrets.token_hex(8)}"
        unfinished = self.directory / f".{name}.unfinished"
        try:
            with unfinished.open("xb") as file:
                file.write(content)
            unfinished.rename(self.directory / f"{name}.eml")
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
