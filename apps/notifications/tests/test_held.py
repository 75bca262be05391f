"""A kwip that waits for a moderator notifies when it is released."""

from collections.abc import Callable

import pytest

from apps.accounts.models import User
from apps.kwips import holding
from apps.kwips.models import Kwip
from apps.notifications.models import Notice
from apps.notifications.tests.conftest import run_commands

pytestmark = pytest.mark.django_db


def test_what_is_held_notifies_when_it_is_released_and_once(
    ann: User,
    bob: User,
    publish: Callable[..., Kwip],
    comment: Callable[..., Kwip],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hers = publish(bob, "a kwip")
    monkeypatch.setattr(holding, "_checks", [lambda author, text: True])
    held = [publish(ann, "hi @bob"), comment(ann, hers)]
    run_commands()
    assert not Notice.objects.exists()
    for kwip in held:
        holding.release(kwip=kwip)
        holding.release(kwip=kwip)
    run_commands()
    assert set(Notice.objects.values_list("recipient", "kind")) == {(bob.pk, "mention"), (bob.pk, "comment")}
    assert Notice.objects.count() == 2
