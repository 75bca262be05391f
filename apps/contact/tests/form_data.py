"""The data of a submitted contact form."""

import time
from typing import Any
from unittest import mock

from apps.contact.forms import new_form_key

MESSAGE = {
    "name": "Ann O'Tea",
    "email": "ann@example.org",
    "subject": "the kettle",
    "text": "where is the <pot>?\r\n\r\nann",
}


def stamped(seconds_ago: float) -> str:
    """The key of a form that was rendered so long ago."""
    with mock.patch("django.core.signing.time.time", return_value=time.time() - seconds_ago):
        return new_form_key()


def filled(**changes: Any) -> dict[str, Any]:
    return MESSAGE | {"website": "", "form_key": stamped(30)} | changes
