"""A page of comments: list items, faces, and who speaks after whom."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F

from apps.accounts.models import User
from apps.feeds import queries
from apps.graph.muting import mute_person
from apps.kwips import talk
from apps.kwips.models import Kwip

pytestmark = pytest.mark.django_db
type Write = Callable[..., Kwip]


def shown(kwip: Kwip, viewer: User | None = None) -> talk.Talk:
    viewer_id = viewer.pk if viewer else None
    entries = queries.conversation(viewer_id=viewer_id, thread_id=kwip.pk).page({})
    return talk.shown(entries.items, viewer_id)


def classes(items: list[bytes]) -> list[str]:
    return [item.partition(b">")[0].decode().removeprefix("<li").strip() for item in items]


def test_the_faces_are_of_the_first_seven_people_each_once_and_of_none_that_the_viewer_muffles(
    ann: User, bob: User, publish: Write, comment: Write
) -> None:
    kwip = publish(ann)
    people = [User.objects.create_user(f"cat{n}", f"cat{n}@example.org") for n in range(8)]
    for person in [bob, *people, bob]:
        comment(person, kwip)
    faces = [face.decode() for face in shown(kwip).faces]
    assert len(faces) == 7
    for face, person in zip(faces, [bob, *people], strict=False):
        assert f'href="/{person.username}/"' in face
        assert 'aria-hidden="true"' in face
    mute_person(muter=ann, muted=bob, ends_at=None, is_muffled=True)
    assert "/bob/" not in b"".join(shown(kwip, ann).faces).decode()


def test_the_next_comment_of_the_same_person_is_joined_within_ten_minutes(
    ann: User, bob: User, publish: Write, comment: Write
) -> None:
    kwip = publish(ann)
    made = [comment(author, kwip) for author in (bob, bob, bob, ann, ann, bob)]
    Kwip.objects.filter(pk__gte=made[2].pk).update(created_at=F("created_at") + timedelta(minutes=10))
    Kwip.objects.filter(pk__in=[one.pk for one in made]).update(version=F("version") + 1)
    expected = ["", 'class="joined"', "", 'class="host"', 'class="host joined"', ""]
    assert classes(shown(kwip).items) == expected


def test_what_is_folded_joins_nothing(ann: User, bob: User, publish: Write, comment: Write) -> None:
    kwip = publish(ann)
    for author in (ann, bob, bob, ann):
        comment(author, kwip)
    mute_person(muter=ann, muted=bob, ends_at=None, is_muffled=True)
    assert classes(shown(kwip, ann).items) == ['class="host"', "", "", 'class="host"']
