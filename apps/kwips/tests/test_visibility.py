"""Who may see a kwip: every case, through the ORM and through raw SQL."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.db.models import Count

from apps.accounts.models import User
from apps.graph.models import Block, Follow
from apps.kwips.models import Kwip
from apps.kwips.visibility import ANYONE, THREAD_VISIBLE_SQL, VISIBLE_SQL, visible_to

pytestmark = pytest.mark.django_db


def seen_by(viewer: User | None) -> set[Kwip]:
    """By the ORM, after holding it against the SQL."""
    through_orm = set(Kwip.objects.filter(visible_to(viewer.pk if viewer else None)))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT k.id FROM kwips_kwip k WHERE {VISIBLE_SQL} AND {THREAD_VISIBLE_SQL}",
            {"viewer": viewer.pk if viewer else ANYONE},
        )
        assert {row[0] for row in cursor.fetchall()} == {kwip.pk for kwip in through_orm}
    return through_orm


def test_a_kwip_for_everyone_is_seen_by_everyone(ann: User, bob: User, publish: Callable[..., Kwip]) -> None:
    kwip = publish(ann)
    assert seen_by(None) == seen_by(ann) == seen_by(bob) == {kwip}


def test_a_kwip_for_followers_is_seen_by_its_author_and_followers(ann: User, bob: User, publish) -> None:
    kwip = publish(ann, followers_only=True)
    assert seen_by(None) == seen_by(bob) == set()
    assert seen_by(ann) == {kwip}
    Follow.objects.create(follower=bob, followee=ann)
    assert seen_by(bob) == {kwip}


def test_following_someone_does_not_let_them_see_you(ann: User, bob: User, publish) -> None:
    publish(ann, followers_only=True)
    Follow.objects.create(follower=ann, followee=bob)
    assert seen_by(bob) == set()


def test_a_comment_is_seen_by_those_who_see_its_kwip_and_nobody_else(
    ann: User, bob: User, publish, comment
) -> None:
    kwip = publish(ann, followers_only=True)
    made = comment(bob, kwip)
    assert seen_by(None) == set()
    assert seen_by(ann) == {kwip, made}
    assert seen_by(bob) == set(), "nor by its author, who may not see what it answers any more"
    Follow.objects.create(follower=bob, followee=ann)
    assert seen_by(bob) == {kwip, made}


def test_a_block_hides_the_comments_below_ones_kwips_too(ann: User, bob: User, publish, comment) -> None:
    kwip = publish(ann, "not for bob")
    eve = User.objects.create_user("eve", "eve@example.org")
    comment(eve, kwip)
    comment(bob, kwip)
    Block.objects.create(blocker=ann, blocked=bob)
    assert seen_by(bob) == set()


@pytest.mark.parametrize("ann_blocks", [True, False])
def test_a_block_hides_both_from_each_other_and_from_nobody_else(
    ann: User, bob: User, publish, ann_blocks: bool
) -> None:
    hers, his = publish(ann), publish(bob)
    Block.objects.create(blocker=ann if ann_blocks else bob, blocked=bob if ann_blocks else ann)
    assert seen_by(ann) == {hers}
    assert seen_by(bob) == {his}
    assert seen_by(None) == {hers, his}


def test_the_expression_finds_its_table_behind_joins(ann: User, bob: User, publish, comment) -> None:
    kwip = publish(ann)
    comment(bob, kwip)
    publish(bob, followers_only=True)
    found = (
        Kwip.objects.filter(visible_to(ann.pk), author__username__in=["ann", "bob"])
        .select_related("thread__author")
        .annotate(said=Count("comments"))
        .order_by("-said")
    )
    assert found[0].pk == kwip.pk
    assert len(found) == 2
