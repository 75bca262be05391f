"""An upload waits for its use; what nobody uses is deleted, files and rows."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from apps.pictures import actions, files, queries, sweeping
from apps.pictures.models import Picture
from apps.pictures.tests.made import upload

type Stored = Callable[[], list[str]]


def expire(*pictures: Picture) -> None:
    """As if the wait were over."""
    Picture.objects.filter(pk__in=[one.pk for one in pictures]).update(waits_until=Now())


def test_an_upload_is_stored_in_three_sizes_and_waits(ann: Any, stored: Stored) -> None:
    picture = actions.upload(owner=ann, file=upload())
    assert stored() == sorted(files.path(picture.name, variant) for variant in ("thumb", "list", "full"))
    assert (picture.width, picture.height, picture.is_animated) == (900, 600, False)
    assert picture.waits_until is not None
    assert timedelta(hours=23) < picture.waits_until - timezone.now() <= timedelta(days=1)
    assert queries.waiting(ann.pk, [picture.name]) == [picture]


def test_used_pictures_come_in_the_order_of_their_names(ann: Any, stored: Stored) -> None:
    first, second = (actions.upload(owner=ann, file=upload()) for _ in range(2))
    names = [second.name, first.name, second.name, "0" * 32]
    assert queries.waiting(ann.pk, names) == [second, first]
    assert actions.use(owner=ann, names=names) == [second, first]
    assert queries.waiting(ann.pk, names) == []
    sweeping.sweep()
    assert len(stored()) == 6


def test_a_picture_is_used_once_and_by_its_owner(ann: Any, ben: Any) -> None:
    picture = actions.upload(owner=ann, file=upload())
    assert actions.use(owner=ben, names=[picture.name]) == []
    assert actions.use(owner=ann, names=[picture.name]) == [picture]
    assert actions.use(owner=ann, names=[picture.name]) == []


def test_a_picture_whose_wait_is_over_is_not_used_again_and_is_swept(ann: Any, stored: Stored) -> None:
    picture = actions.upload(owner=ann, file=upload())
    expire(picture)
    assert queries.waiting(ann.pk, [picture.name]) == []
    assert actions.use(owner=ann, names=[picture.name]) == []
    assert sweeping.sweep() == 1
    assert (stored(), Picture.objects.count()) == ([], 0)


def test_a_draft_keeps_its_pictures_longer(ann: Any, ben: Any) -> None:
    picture = actions.upload(owner=ann, file=upload())
    later = timezone.now() + timedelta(days=30)
    actions.keep(owner=ben, names=[picture.name], until=timezone.now() + timedelta(days=90))
    actions.keep(owner=ann, names=[picture.name], until=later)
    actions.keep(owner=ann, names=[picture.name], until=timezone.now())
    picture.refresh_from_db()
    assert picture.waits_until == later


def test_a_released_picture_is_deleted_after_the_commit(
    ann: Any, stored: Stored, django_capture_on_commit_callbacks: Any
) -> None:
    picture, other = (actions.upload(owner=ann, file=upload()) for _ in range(2))
    actions.use(owner=ann, names=[picture.name, other.name])
    with django_capture_on_commit_callbacks(execute=True):
        actions.release(pictures=[picture])
        assert len(stored()) == 6
    assert list(Picture.objects.all()) == [other]
    assert all(other.name in path for path in stored())


def test_words_and_focal_point_are_stored_within_bounds(ann: Any, ben: Any) -> None:
    picture = actions.upload(owner=ann, file=upload())
    assert not actions.describe(owner=ben, name=picture.name, alt="not mine")
    assert actions.describe(owner=ann, name=picture.name, alt="tea " * 1000, focal=(-5, 300))
    picture.refresh_from_db()
    assert (len(picture.alt), picture.focal_x, picture.focal_y) == (1500, 0, 100)


def test_what_cannot_be_decoded_is_refused_and_leaves_nothing(ann: Any, stored: Stored) -> None:
    with pytest.raises(actions.Refused, match="no picture we can read"):
        actions.upload(owner=ann, file=upload(b"<svg/>"))
    assert (stored(), Picture.objects.count()) == ([], 0)
