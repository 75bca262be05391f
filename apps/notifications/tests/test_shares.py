"""Notices of shares: one a person, whatever they click at once; grouped."""

from collections.abc import Callable
from functools import partial

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.kwips import sharing
from apps.kwips.models import Kwip
from apps.notifications import queries
from apps.notifications.models import Notice
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)

type Publish = Callable[..., Kwip]


def test_fifty_shares_and_undone_ones_at_once_are_one_notice(ann: User, bob: User, publish: Publish) -> None:
    kwip = publish(bob)
    sharing.share(kwip=kwip, user=ann)
    acts = [sharing.unshare if number % 2 else sharing.share for number in range(50)]
    at_once([partial(act, kwip=kwip, user=ann) for act in acts])
    sharing.share(kwip=kwip, user=ann)
    assert Notice.objects.get().kind == "share"
    [group] = queries.notices(bob, {})
    [line] = group.lines
    assert (line.number, line.url) == (1, f"/bob/kwip/{kwip.pk}/")
    sharing.unshare(kwip=kwip, user=ann)
    assert not list(queries.notices(bob, {}))


def test_many_who_share_are_one_line(client: Client, bob: User, publish: Publish) -> None:
    kwip = publish(bob, "tea")
    people = [
        User.objects.create_user(f"fan{n}", f"fan{n}@example.org", display_name=f"Fan {n}") for n in range(5)
    ]
    at_once([partial(sharing.share, kwip=kwip, user=person) for person in people])
    [group] = queries.notices(bob, {})
    [line] = group.lines
    assert (line.number, line.others) == (5, 3)
    client.force_login(bob)
    shown = " ".join(client.get("/notifications/").content.decode().split())
    assert "and 3 others shared your kwip" in shown
