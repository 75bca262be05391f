"""The exact numbers of SQL statements and of round trips to memcached of each write.

They include SAVEPOINT, not BEGIN and COMMIT. One statement of each request counts it against its limit.
"""

import uuid
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps import lookaside
from apps.accounts.backends import CachedUserBackend
from apps.accounts.models import User
from apps.kwips.models import Kwip
from apps.limits import hit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]

type Cost = Callable[..., tuple[int, int]]


@pytest.fixture
def kwip(bob: User, publish: Callable[..., Kwip]) -> Kwip:
    return publish(bob, "a cup of #tea")


@pytest.fixture
def cost(client: Client, ann: User) -> Cost:
    """Posts a form as ann, who is cached; returns its SQL statements and round trips."""
    client.force_login(ann)

    def _cost(path: str, **form: object) -> tuple[int, int]:
        client.get("/about/")
        CachedUserBackend().get_user(ann.pk)
        with CaptureQueriesContext(connection) as captured, lookaside.stats.collected() as counts:
            answer = client.post(path, form)
        assert answer.status_code == 302
        statements = [query["sql"] for query in captured if query["sql"] not in ("BEGIN", "COMMIT")]
        return len(statements), counts.round_trips

    return _cost


def test_publishing(cost: Cost, bob: User) -> None:
    # limit, lock, form key, kwip, counter
    assert cost("/kwip/", text="hm", form_key=uuid.uuid4()) == (5, 4)
    # and the tag, its id, its row; people of that name, people who had it, the mention,
    # the notice
    assert cost("/kwip/", text="#tea with @bob", form_key=uuid.uuid4()) == (12, 4)


def test_publishing_again_by_the_same_form(cost: Cost, ann: User) -> None:
    key = uuid.uuid4()
    cost("/kwip/", text="hm", form_key=key)
    # limit, lock, form key, the kwip, the refund
    assert cost("/kwip/", text="hm", form_key=key) == (5, 2)
    assert Kwip.objects.count() == 1


def test_commenting(cost: Cost, kwip: Kwip) -> None:
    # the kwip, limit, both locks, form key, comment, the kwip's and the person's counters, the kwip's tags,
    # whether its author tracks it, notices
    assert cost(f"/kwip/{kwip.pk}/comment/", text="hm", form_key=uuid.uuid4()) == (11, 4)


def test_editing(cost: Cost, ann: User, publish: Callable[..., Kwip], comment: Callable[..., Kwip]) -> None:
    own = publish(ann, "a cup of #tea")
    # the kwip, limit, lock, earlier version, text, former tags, former mentions
    assert cost(f"/kwip/{own.pk}/edit/", text="two cups of #tea") == (7, 3)
    comment(ann, own)
    # and what was said below it: the comments, their versions, their tags
    assert cost(f"/kwip/{own.pk}/edit/", text="three cups of #tea") == (10, 3)


def test_favouriting(cost: Cost, kwip: Kwip) -> None:
    # limit, the kwip, its lock, not yet a favourite, the favourite, counter, lock, counter, notice, tags
    assert cost(f"/kwip/{kwip.pk}/favourite/") == (10, 4)
    assert cost(f"/kwip/{kwip.pk}/unfavourite/") == (8, 4)


def test_following(cost: Cost, ann: User, bob: User) -> None:
    # limit, the person, locks, block, not yet followed, the row, two counters, the notice
    assert cost("/bob/follow/") == (9, 4)


def test_a_form_that_is_sent_again_does_not_count_and_passes_a_limit_that_is_reached(
    client: Client, ann: User, settings: object
) -> None:
    settings.LIMITS = settings.LIMITS | {"publish": "2/10m"}  # type: ignore[attr-defined]
    client.force_login(ann)
    form = {"text": "tea", "form_key": str(uuid.uuid4())}
    assert [client.post("/kwip/", form).status_code for _ in range(5)] == [302] * 5
    assert hit("publish", ann.pk), "four of the five were refunded"
    assert client.post("/kwip/", form).status_code == 302, "the limit is reached"
    assert client.post("/kwip/", form | {"form_key": str(uuid.uuid4())}).status_code == 429
    assert Kwip.objects.count() == 1
