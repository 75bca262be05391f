"""Moderators who act at the same time, and reports at the same time."""

from collections.abc import Callable
from functools import partial

import pytest

from apps.accounts.models import User
from apps.kwips.models import Kwip
from apps.moderation import actions, cases
from apps.moderation.models import Action, Case, Reason, What
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_moderators_who_act_at_once_act_once(ann: User, mod: User, other_mod: User) -> None:
    def act(by: User) -> bool:
        try:
            actions.act(what=What.SUSPEND, person=ann, by=by, reason=Reason.SPAM)
        except actions.NothingToDo:
            return False
        return True

    assert sorted(at_once([lambda: act(mod), lambda: act(other_mod)])) == [False, True]
    assert Action.objects.count() == 1


def test_reports_at_once_are_one_case(ann: User, publish: Callable[..., Kwip]) -> None:
    thing = cases.of_kwip(publish(ann))
    people = [User.objects.create_user(f"user{number}", f"{number}@example.org") for number in range(8)]

    def report(by: User) -> bool:
        return actions.report(thing=thing, reporter=by, reason=Reason.SPAM, words="")

    assert all(at_once([partial(report, by) for by in people]))
    assert Case.objects.get().reports.count() == 8
