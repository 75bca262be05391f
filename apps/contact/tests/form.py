"""What a browser sends after somebody has filled in the form."""

import time
from typing import Any
from unittest import mock

from apps.contact.forms import stamp

MESSAGE = {
    "name": "Ann O'Tea",
    "email": "ann@example.org",
    "subject": "the kettle",
    "text": "where is the <pot>?\r\n\r\nann",
}


def stamped(seconds_ago: float) -> str:
    """The key of a form that was opened so long ago."""
    with mock.patch("django.core.signing.time.time", return_value=time.time() - seconds_ago):
        return stamp()


def filled(**changes: Any) -> dict[str, Any]:
    return MESSAGE | {"website": "", "form_key": stamped(30)} | changes
