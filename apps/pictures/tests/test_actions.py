"""An upload waits for its use; files and rows of unused pictures are deleted."""

import resource
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from apps import limits
from apps.pictures import actions, decoding, files, queries, sweeping
from apps.pictures.models import Picture
from apps.pictures.tests import made
from apps.pictures.tests.made import upload

type Stored = Callable[[], list[str]]


def expire(*pictures: Picture) -> None:
    """As if the wait were over."""
    Picture.objects.filter(pk__in=[one.pk for one in pictures]).update(waits_until=Now())


@pytest.mark.asvs("5.3.2")
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


@pytest.mark.asvs("2.4.1", "15.2.2")
@pytest.mark.parametrize("scope", ["picture", "picture_seconds"])
def test_the_rate_limits_are_asked_before_the_picture_is_decoded(
    scope: str, ann: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(60):
        limits.hit(scope, ann.pk)
    monkeypatch.setattr(decoding, "decode", lambda *_given, **_options: pytest.fail("decoded"))
    with pytest.raises(actions.Refused) as refused:
        actions.upload(owner=ann, file=upload())
    assert refused.value.decision is not None
    assert refused.value.decision.wait > 0


def test_the_rate_limit_counts_seconds_of_decoding(ann: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = decoding.Decoded(None, None, "too much work", 5)
    monkeypatch.setattr(decoding, "decode", lambda *_given, **_options: slow)
    refusals = []
    for _ in range(13):
        with pytest.raises(actions.Refused) as refused:
            actions.upload(owner=ann, file=upload())
        refusals.append(refused.value.decision is not None)
    assert refusals == [False] * 12 + [True]


def test_an_upload_that_finds_the_machine_busy_does_not_count(
    ann: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LIMITS = {"picture": "2/1h", "picture_seconds": "2/1h"}

    def busy(*_given: object, **_options: object) -> None:
        raise limits.Busy

    with monkeypatch.context() as patch:
        patch.setattr(decoding, "decode", busy)
        for _ in range(5):
            with pytest.raises(limits.Busy):
                actions.upload(owner=ann, file=upload())
    assert actions.upload(owner=ann, file=upload())


def test_an_upload_that_one_limit_refuses_does_not_count_for_the_other(ann: Any, settings: Any) -> None:
    settings.LIMITS = {"picture": "1/1h", "picture_seconds": "1/1h"}
    limits.hit("picture_seconds", ann.pk)
    with pytest.raises(actions.Refused):
        actions.upload(owner=ann, file=upload())
    assert limits.hit("picture", ann.pk)


def test_few_pictures_of_an_owner_wait_at_the_same_time(
    ann: Any, ben: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "WAITING_LIMIT", 2)
    waiting = [actions.upload(owner=ann, file=upload()) for _ in range(2)]
    with pytest.raises(actions.Refused, match="wait to be used"):
        actions.upload(owner=ann, file=upload())
    assert actions.upload(owner=ben, file=upload())
    actions.use(owner=ann, names=[waiting[0].name])
    assert actions.upload(owner=ann, file=upload())


def test_those_that_drafts_keep_are_counted_apart(ann: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "WAITING_LIMIT", 1)
    monkeypatch.setattr(actions, "KEPT_LIMIT", 2)
    later = timezone.now() + timedelta(days=400)
    for _ in range(3):
        kept = actions.upload(owner=ann, file=upload())
        actions.keep(owner=ann, names=[kept.name], until=later)
    with pytest.raises(actions.Refused, match="wait to be used"):
        actions.upload(owner=ann, file=upload())
    actions.wait(owner=ann, names=[kept.name], until=timezone.now() + actions.WAIT)
    with pytest.raises(actions.Refused, match="wait to be used"):
        actions.upload(owner=ann, file=upload())
    actions.use(owner=ann, names=[kept.name])
    assert actions.upload(owner=ann, file=upload())


def test_a_full_disk_leaves_no_file_and_no_row(ann: Any, stored: Stored) -> None:
    noise = made.encoded(made.noise(900, 600), "PNG")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    file = upload(noise)
    decoded = decoding.decode(file, shape="whole", keeps_moving=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "decode", lambda *_given, **_options: decoded)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # the kernel ends the write in its middle
        try:
            with pytest.raises(actions.Refused, match="try again later"):
                actions.upload(owner=ann, file=file)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (stored(), Picture.objects.count()) == ([], 0)


def test_a_storage_that_does_not_answer_keeps_the_name_for_the_next_sweep(
    ann: Any, stored: Stored, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    picture = actions.upload(owner=ann, file=upload())
    with monkeypatch.context() as patch, django_capture_on_commit_callbacks(execute=True):
        patch.setattr(files, "remove", raising)
        actions.release(pictures=[picture])
    assert (len(stored()), Picture.objects.count()) == (3, 1)
    assert sweeping.sweep() == 1
    assert (stored(), Picture.objects.count()) == ([], 0)


def raising(*_given: object) -> None:
    raise OSError("the storage does not answer")
