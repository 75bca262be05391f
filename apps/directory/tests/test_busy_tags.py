"""The busiest tags of the week: what counts, and how often."""

import datetime
from collections.abc import Callable

import pytest
from django.db.models import F
from django.test import Client

from apps.accounts.actions import switch_off
from apps.accounts.models import User
from apps.directory import queries, tasks
from apps.kwips.models import Kwip

pytestmark = pytest.mark.django_db
type Publish = Callable[..., Kwip]


def test_a_tag_counts_once_a_day_for_each_person_however_often_they_write_it(
    ann: User, bob: User, publish: Publish, client: Client
) -> None:
    for _ in range(9):
        publish(ann, "#spam")
    publish(bob, "#spam")
    for _ in range(2):
        for author in (ann, bob):
            yesterday = publish(author, "#tea")
        Kwip.objects.update(created_at=F("created_at") - datetime.timedelta(days=1))
    assert yesterday
    tasks.find_active_and_busy.func()
    assert queries.busy_tags() == ["tea", "spam"]
    for path in ("/tags/", "/people/"):
        assert 'href="/tag/tea/"' in client.get(path).content.decode()


def test_a_tag_of_one_person_alone_is_not_listed(ann: User, publish: Publish) -> None:
    publish(ann, "#me")
    tasks.find_active_and_busy.func()
    assert queries.busy_tags() == []


@pytest.mark.parametrize("why", ["followers only", "old", "off", "limited", "beyond the window"])
def test_what_not_everyone_may_see_does_not_count(
    ann: User, bob: User, publish: Publish, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(ann, "#tea", followers_only=why == "followers only")
    publish(bob, "#tea")
    tasks.find_active_and_busy.func()
    assert queries.busy_tags() == ([] if why == "followers only" else ["tea"])
    if why == "old":
        days = datetime.timedelta(days=tasks.TAG_DAYS, seconds=1)
        Kwip.objects.filter(author=ann).update(created_at=F("created_at") - days)
    elif why == "off":
        switch_off(people=[ann], by=None)
    elif why == "limited":
        User.objects.filter(pk=ann.pk).update(is_limited=True)
    elif why == "beyond the window":
        monkeypatch.setattr(tasks, "WINDOW", 1)
    tasks.find_active_and_busy.func()
    assert queries.busy_tags() == []


def test_the_pages_are_purged_when_a_command_changed_something_only(
    ann: User, bob: User, publish: Publish
) -> None:
    for author in (ann, bob):
        publish(author, "#tea")
    assert tasks.find_active_and_busy.func() is True
    assert tasks.find_active_and_busy.func() is False
