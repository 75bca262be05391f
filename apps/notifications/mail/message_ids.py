"""Message-IDs: a notice, a digest and a conversation have the same one whenever they are mailed."""

import re
from email.utils import parseaddr
from typing import NamedTuple

from django.conf import settings

_NOTICE = re.compile(r"<notice\.(\d+)\.(\d+)\.(\w+)\.(-?\d+)\.(\d+)@")
_DIGEST = re.compile(r"<digest\.(\d+)\.(\d+)@")


class NoticeId(NamedTuple):
    """The identity of a notice, and the id that it had when it was mailed. ``actor_id`` is 0 for none."""

    person_id: int
    id: int
    kind: str
    subject: int
    actor_id: int

    def __str__(self) -> str:
        return _message_id("notice", *self)

    @classmethod
    def parse(cls, message_id: str) -> "NoticeId | None":
        if (found := _NOTICE.match(message_id)) is None:
            return None
        person_id, pk, kind, subject, actor_id = found.groups()
        return cls(int(person_id), int(pk), kind, int(subject), int(actor_id))


class DigestId(NamedTuple):
    """The identity of a digest: its newest notice."""

    person_id: int
    newest: int

    def __str__(self) -> str:
        return _message_id("digest", *self)

    @classmethod
    def parse(cls, message_id: str) -> "DigestId | None":
        found = _DIGEST.match(message_id)
        return cls(*map(int, found.groups())) if found else None


def of_conversation(thread_id: int) -> str:
    """No message has this id. The mails about a conversation refer to it: mail programs thread them."""
    return _message_id("kwip", thread_id)


def _message_id(*parts: object) -> str:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{'.'.join(map(str, parts))}@{domain}>"
