"""Mutes: replaced by later ones, bounded, and deleted after their end."""

import datetime
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.graph import muting
from apps.graph.models import Mute, MutedConversation, MutedWord
from apps.graph.queries import hidden_among
from apps.graph.tests.test_follow import ann, bob

__all__ = ["ann", "bob"]
pytestmark = pytest.mark.django_db

HOUR = datetime.timedelta(hours=1)


def test_muting_again_replaces_the_end_and_the_way(ann: User, bob: User) -> None:
    ends_at = timezone.now() + HOUR
    muting.mute_person(muter=ann, muted=bob, ends_at=None, is_muffled=False)
    muting.mute_person(muter=ann, muted=bob, ends_at=ends_at, is_muffled=True)
    assert Mute.objects.values_list("ends_at", "is_muffled").get() == (ends_at, True)
    muting.unmute(Mute, muter=bob)
    assert Mute.objects.exists()
    muting.unmute(Mute, muter=ann, muted=bob)
    assert not Mute.objects.exists()
    with pytest.raises(ValueError, match="oneself"):
        muting.mute_person(muter=ann, muted=ann, ends_at=None, is_muffled=False)


def test_a_person_has_so_many_mutes_of_a_kind_that_have_not_ended(
    ann: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(muting, "MOST_MUTES", 1)
    for ends_at in (timezone.now() - HOUR, None):
        muting.mute_conversation(muter=ann, kwip_id=1, ends_at=ends_at, is_muffled=False)
    with pytest.raises(muting.MutesTooMany):
        muting.mute_conversation(muter=ann, kwip_id=2, ends_at=None, is_muffled=False)
    muting.mute_conversation(muter=ann, kwip_id=1, ends_at=None, is_muffled=True)
    muting.mute_conversation(muter=bob, kwip_id=2, ends_at=None, is_muffled=False)
    word: dict[str, Any] = {"word": "tea", "folded": "tea", "is_tag": False, "is_muffled": False}
    muting.mute_word(muter=ann, **word, ends_at=None)
    with pytest.raises(muting.MutesTooMany):
        muting.mute_word(muter=ann, **word | {"is_tag": True}, ends_at=None)
    muting.mute_person(muter=ann, muted=bob, ends_at=None, is_muffled=False)


def test_an_ended_mute_counts_nowhere_and_is_swept(
    ann: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(muting, "BATCH", 1)
    cee = User.objects.create_user("cee", "cee@example.org")
    past, future = timezone.now() - HOUR, timezone.now() + HOUR
    muting.mute_person(muter=ann, muted=cee, ends_at=future, is_muffled=False)
    muting.mute_person(muter=ann, muted=bob, ends_at=past, is_muffled=False)
    for kwip_id, ends_at in ((1, future), (2, None), (3, past)):
        muting.mute_conversation(muter=ann, kwip_id=kwip_id, ends_at=ends_at, is_muffled=False)
    muting.mute_word(muter=ann, word="tea", folded="tea", is_tag=False, ends_at=past, is_muffled=False)
    assert hidden_among(ann.pk, [bob.pk, cee.pk]) == {cee.pk}
    assert muting.sweep() == 3
    assert list(MutedConversation.objects.order_by("pk").values_list("kwip_id", flat=True)) == [1, 2]
    assert not MutedWord.objects.exists()
    assert muting.sweep() == 0
