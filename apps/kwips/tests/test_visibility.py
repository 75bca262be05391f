"""Who may see a kwip: every case, through the ORM and through raw SQL."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import Count

from apps.accounts.models import User
from apps.graph.models import Block, Follow
from apps.kwips import queries
from apps.kwips.models import Kwip, Visibility
from apps.kwips.visibility import ANYONE, THREAD_VISIBLE_SQL, VISIBLE_SQL, VisibleTo

pytestmark = pytest.mark.django_db


def seen_by(viewer: User | None) -> set[Kwip]:
    """By the ORM; asserts that the SQL agrees."""
    through_orm = set(Kwip.objects.filter(VisibleTo(viewer.pk if viewer else None)))
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


@pytest.mark.asvs("8.3.1")
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


def test_a_comment_is_seen_only_by_those_who_see_its_kwip(ann: User, bob: User, publish, comment) -> None:
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
def test_a_block_hides_both_only_from_each_other(ann: User, bob: User, publish, ann_blocks: bool) -> None:
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
        Kwip.objects.filter(VisibleTo(ann.pk), author__username__in=["ann", "bob"])
        .select_related("thread__author")
        .annotate(said=Count("comments"))
        .order_by("-said")
    )
    assert found[0].pk == kwip.pk
    assert len(found) == 2


def test_what_the_previous_release_wrote_for_followers_is_not_for_everyone(
    ann: User, bob: User, publish
) -> None:
    """During an upgrade the previous release writes an audience, but no visibility."""
    kwip = publish(ann, followers_only=True)
    Kwip.objects.update(visibility=Visibility.EVERYONE)
    assert seen_by(None) == seen_by(bob) == set()
    Follow.objects.create(follower=bob, followee=ann)
    assert seen_by(bob) == seen_by(ann) == {kwip}


def test_a_visibility_alone_keeps_a_kwip_from_everyone(ann: User, bob: User, publish) -> None:
    kwip = publish(ann)
    Kwip.objects.update(visibility=Visibility.FOLLOWERS)
    assert seen_by(None) == seen_by(bob) == set()
    assert seen_by(ann) == {kwip}


def test_a_visibility_of_a_later_release_is_for_the_author_alone(ann: User, bob: User, publish) -> None:
    kwip = publish(ann, followers_only=True)
    Follow.objects.create(follower=bob, followee=ann)
    Kwip.objects.update(visibility=max(Visibility.values) + 1)
    assert seen_by(None) == seen_by(bob) == set()
    assert seen_by(ann) == {kwip}


@pytest.mark.parametrize("reason", [1, 3, 5])
def test_a_withheld_kwip_and_its_comments_are_hidden_from_everyone(
    ann: User, bob: User, publish, comment, reason: int
) -> None:
    kwip = publish(ann)
    comment(bob, kwip)
    Kwip.objects.filter(pk=kwip.pk).update(withheld=reason)
    assert seen_by(None) == seen_by(ann) == seen_by(bob) == set()


@pytest.mark.parametrize("reason", [2, 4, 6, 8])
def test_what_is_withheld_for_another_reason_than_its_authors_state_is_for_the_author_alone(
    ann: User, bob: User, publish, comment, reason: int
) -> None:
    kwip = publish(ann)
    below = comment(bob, kwip)
    Follow.objects.create(follower=bob, followee=ann)
    Kwip.objects.filter(pk=kwip.pk).update(withheld=reason)
    assert seen_by(None) == seen_by(bob) == set()
    assert seen_by(ann) == {kwip, below}


def test_a_comment_has_the_visibility_of_its_kwip(ann: User, bob: User, publish, comment) -> None:
    assert comment(bob, publish(ann, followers_only=True)).visibility == Visibility.FOLLOWERS
    assert comment(bob, publish(ann)).visibility == Visibility.EVERYONE


# ── The type `Visible` ──


def constructions(path: Path, names: set[str]) -> set[tuple[str, str]]:
    """Calls of these names in a file, as (function that contains it, name)."""
    tree, found = ast.parse(path.read_text()), set()
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for node in ast.walk(function):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func).split(".")
                found |= {(function.name, part) for part in called if part in names}
                # `cast` would bypass the type.
                if called[-1] == "cast" and "Visible" in ast.unparse(node.args[0]):
                    found.add((function.name, "cast"))
    return found


def test_nothing_but_the_predicates_readers_constructs_the_type_of_what_it_passed() -> None:
    found = {
        (str(path.relative_to(settings.BASE_DIR)), *call)
        for folder in ("apps", "kwippy")
        for path in Path(settings.BASE_DIR, folder).rglob("*.py")
        if "tests" not in path.parts
        for call in constructions(path, {"Visible"})
    }
    assert found == {("apps/kwips/queries.py", "visible_kwip", "Visible")}
    # The entries of timelines have it, and one function constructs entries.
    entries = {
        (path.name, *call)
        for path in Path(settings.BASE_DIR, "apps/feeds").glob("*.py")
        if path.name != "atom.py"  # an entry of a document is another class
        for call in constructions(path, {"Entry"})
    }
    assert entries == {("statements.py", "run", "Entry")}


def test_the_test_above_sees_a_construction(tmp_path: Path) -> None:
    file = tmp_path / "leak.py"
    file.write_text(
        "def leak(ids):\n    return [visibility.Visible(i) for i in ids] + [cast('list[Visible]', ids)]\n"
    )
    assert constructions(file, {"Visible"}) == {("leak", "Visible"), ("leak", "cast")}


def test_mypy_refuses_ids_that_the_predicate_has_not_passed(ann: User, publish) -> None:
    """`warn_unused_ignores`: mypy fails unless it rejects these lines."""
    number: int = publish(ann).pk
    [card] = queries.cards([number])  # type: ignore[list-item]
    assert card.id == number
