"""No mail holds a text that its recipient may not read any more."""

from typing import Any

import pytest

from apps.notifications.mail.tests.conftest import mail_at_once, outgoing, queued, send_digests
from tests.privacy.test_matrix import found
from tests.privacy.world import CANARIES, STATES, built, may_read

__all__ = ["queued"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("state", STATES)
def test_mail_holds_what_its_recipient_may_read_when_it_is_written(state: str) -> None:
    world = built()
    STATES[state](world)
    mail_at_once()
    send_digests()
    mailed: dict[str, set[str]] = {}
    for message in outgoing():
        recipient = str(message["To"]).partition("@")[0].strip("<")
        body: Any = message.get_body(("plain",))
        mailed.setdefault(recipient, set()).update(found(body.get_content()))
    wrong = {
        name: texts - set(may_read(name, state))
        for name, texts in mailed.items()
        if texts - set(may_read(name, state))
    }
    assert wrong == {}
    if state == "public":  # mail announces a message, and does not quote it
        assert set().union(*mailed.values()) == {*CANARIES} - {
            "bio",
            "earlier",
            "message",
            "unreported",
            "draft",
        }
