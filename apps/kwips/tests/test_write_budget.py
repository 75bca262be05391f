"""The exact numbers of SQL statements, of messages to PostgreSQL and to memcached of each write.

A message that Django's connection sends may carry several statements; SAVEPOINT is one. BEGIN and COMMIT are
left out: with them, a write sends two messages more. A write that invalidates takes two round trips to
memcached: one marks, one deletes. One statement of each request counts it against its
limit.
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

LONG = "a text that is long enough to be counted"

type Cost = Callable[..., tuple[int, int, int]]


@pytest.fixture
def kwip(bob: User, publish: Callable[..., Kwip]) -> Kwip:
    return publish(bob, "a cup of #tea")


@pytest.fixture
def cost(client: Client, ann: User) -> Cost:
    """Posts a form as ann, who is cached and not new; returns its statements, messages and round trips."""
    User.objects.filter(pk=ann.pk).update(is_vouched=True)
    client.force_login(ann)

    def _cost(path: str, **form: object) -> tuple[int, int, int]:
        client.get("/about/")
        CachedUserBackend().get_user(ann.pk)
        with CaptureQueriesContext(connection) as captured, lookaside.stats.collected() as counts:
            answer = client.post(path, form)
        assert answer.status_code == 302
        messages = [query["sql"] for query in captured if query["sql"] not in ("BEGIN", "COMMIT", "ROLLBACK")]
        # No text of these tests has a semicolon.
        return sum(len(sql.split("; ")) for sql in messages), len(messages), counts.round_trips

    return _cost


def test_publishing(cost: Cost, bob: User) -> None:
    # limit, then in one message: counter, kwip with its tags, mentions and notices
    assert cost("/kwip/", text="hm", form_key=uuid.uuid4()) == (3, 2, 3)
    # and the tags that are new
    assert cost("/kwip/", text="#tea and #milk with @bob", form_key=uuid.uuid4()) == (4, 2, 3)
    # and how often a text that is not short was written
    assert cost("/kwip/", text=LONG, form_key=uuid.uuid4()) == (4, 3, 3)


def test_publishing_by_a_new_account(cost: Cost, ann: User, bob: User) -> None:
    User.objects.filter(pk=ann.pk).update(is_vouched=False)
    # limit, then as for others
    assert cost("/kwip/", text="hm", form_key=uuid.uuid4()) == (3, 2, 3)
    # and whom it mentions, who of them follows, one more limit; the new tags
    assert cost("/kwip/", text="#tea and #milk with @bob", form_key=uuid.uuid4()) == (7, 5, 3)
    # and how often a text that is not short was written, by this account and by new ones
    assert cost("/kwip/", text=LONG, form_key=uuid.uuid4()) == (5, 4, 3)


def test_publishing_again_by_the_same_form(cost: Cost, ann: User) -> None:
    key = uuid.uuid4()
    cost("/kwip/", text="hm", form_key=key)
    # limit, counter, no kwip, form key, the kwip, the refund
    assert cost("/kwip/", text="hm", form_key=key) == (6, 5, 1)
    assert Kwip.objects.count() == 1


def test_commenting(cost: Cost, kwip: Kwip) -> None:
    # the kwip, limit, then in one message: the kwip's and the person's counters, the comment with its notices
    # the first answer also enqueues a mail to the author of the kwip
    assert cost(f"/kwip/{kwip.pk}/comment/", text="hm", form_key=uuid.uuid4()) == (6, 4, 3)
    assert cost(f"/kwip/{kwip.pk}/comment/", text="hm", form_key=uuid.uuid4()) == (5, 3, 3)
    # and the tags that are new
    form = {"text": "#tea and #milk with @bob", "form_key": uuid.uuid4()}
    assert cost(f"/kwip/{kwip.pk}/comment/", **form) == (6, 3, 3)


def test_one_plan_serves_all_kwips_and_comments(
    ann: User, bob: User, publish: Callable[..., Kwip], comment: Callable[..., Kwip]
) -> None:
    """Planning takes longer than running. PostgreSQL plans each execution while that looks cheaper."""
    for number in range(8):
        kwip = publish(ann, f"#tea{number} " * (number % 2) + "#milk @bob " * (number % 3))
        comment(bob, kwip, "#tea @ann " * (number % 2))
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, generic_plans FROM pg_prepared_statements WHERE name LIKE 'kwips_%'")
        plans = dict(cursor.fetchall())
    assert min(plans[f"kwips_{name}"] for name in ("publish", "comment", "new_tags", "count_comment")) > 0


def test_editing(cost: Cost, ann: User, publish: Callable[..., Kwip], comment: Callable[..., Kwip]) -> None:
    own = publish(ann, "a cup of #tea")
    # the kwip, limit, lock, earlier version, text, former tags, former mentions, the index of search
    assert cost(f"/kwip/{own.pk}/edit/", text="two cups of #tea") == (8, 8, 3)
    comment(ann, own)
    # and what was said below it: the comments, their versions, their tags
    assert cost(f"/kwip/{own.pk}/edit/", text="three cups of #tea") == (11, 11, 3)


def test_favouriting(cost: Cost, kwip: Kwip) -> None:
    # limit, the kwip, then in one message: both counters, the favourite; the notice and its savepoint
    assert cost(f"/kwip/{kwip.pk}/favourite/") == (7, 4, 3)
    assert cost(f"/kwip/{kwip.pk}/unfavourite/") == (5, 3, 3)


def test_sharing(cost: Cost, kwip: Kwip) -> None:
    # limit, the kwip, then in one message: its counter, the person's lock, the share; notice and savepoint
    assert cost(f"/kwip/{kwip.pk}/share/") == (7, 4, 3)
    assert cost(f"/kwip/{kwip.pk}/unshare/") == (4, 3, 3)


def test_bookmarking(cost: Cost, kwip: Kwip) -> None:
    # limit, the kwip, then in one message: the person's lock, the bookmark
    assert cost(f"/kwip/{kwip.pk}/bookmark/") == (4, 3, 1)
    assert cost(f"/kwip/{kwip.pk}/unbookmark/") == (3, 3, 1)


def test_following(cost: Cost, ann: User, bob: User) -> None:
    # limit, the person, locks, block, not yet followed, the row, two counters, the notice and its
    # savepoint
    assert cost("/bob/follow/") == (10, 9, 3)


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
