"""Fixtures: two people, a draft, and one that is due."""

import datetime
import uuid
from collections.abc import Callable

import pytest
from django.http import QueryDict
from django.utils import timezone

from apps.accounts.models import User
from apps.drafts import actions, fields
from apps.drafts.models import Draft
from tests.support.fixtures import ann, bob

__all__ = ["ann", "bob"]

type Keep = Callable[..., Draft]


def sent(text: str, **more: str) -> fields.Fields:
    """What is kept of a composer that was sent."""
    data = QueryDict(mutable=True)
    data.update({"text": text, **more})
    return fields.of(data)


@pytest.fixture
def keep() -> Keep:
    def _keep(
        owner: User, text: str = "half a thought", *, key: uuid.UUID | None = None, **more: str
    ) -> Draft:
        return actions.save(owner=owner, fields=sent(text, **more), form_key=key or uuid.uuid4()).draft

    return _keep


@pytest.fixture
def due(keep: Keep) -> Keep:
    """A draft whose time is a moment ago, with its command."""

    def _due(owner: User, text: str = "half a thought", **more: str) -> Draft:
        draft = keep(owner, text, **more)
        moment = timezone.now() - datetime.timedelta(seconds=1)
        assert actions.schedule(owner=owner, draft_id=draft.pk, publish_at=moment)
        draft.refresh_from_db()
        return draft

    return _due
