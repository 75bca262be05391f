"""When a person writes: what everyone may see is counted, by month, weekday and hour, and drawn for all."""

import datetime
import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.feeds import statistics
from apps.graph import actions as graph
from apps.kwips.models import Kwip

pytestmark = pytest.mark.django_db
type Publish = Callable[..., Kwip]


def written(publish: Publish, author: User, at: datetime.datetime, **options: bool) -> Kwip:
    kwip = publish(author, **options)
    Kwip.objects.filter(pk=kwip.pk).update(created_at=at)
    return kwip


def counts(person: User) -> list[dict[str, int]]:
    charts = statistics.charts(person.pk)
    return [{bar.name: bar.number for bar in chart.bars if bar.number} for chart in charts]


def test_kwips_are_counted_by_month_weekday_and_hour_of_world_time(
    ann: User, bob: User, publish: Publish
) -> None:
    now = timezone.now()
    monday = now - datetime.timedelta(days=now.weekday(), weeks=8)
    for hour, minute in ((23, 59), (23, 0), (0, 0)):
        written(publish, ann, monday.replace(hour=hour, minute=minute))
    months, weekdays, hours = counts(ann)
    assert months == {f"{monday:%B %Y}": 3}
    assert weekdays == {"Monday": 3}
    assert hours == {"00:00": 1, "23:00": 2}
    assert counts(bob) == [{}, {}, {}]


def test_the_year_has_twelve_months_and_the_first_is_whole(ann: User, publish: Publish) -> None:
    first = statistics._last_months()[0]
    start = datetime.datetime(first.year, first.month, 1, tzinfo=datetime.UTC)
    written(publish, ann, start)
    written(publish, ann, start - datetime.timedelta(seconds=1))
    months, _, _ = counts(ann)
    assert months == {f"{start:%B %Y}": 1}
    assert len(statistics.charts(ann.pk)[0].bars) == 12


def test_it_tells_no_one_of_kwips_that_not_everyone_may_see(
    ann: User, bob: User, publish: Publish, comment: Publish
) -> None:
    publish(ann, followers_only=True)
    hidden = publish(ann)
    Kwip.objects.filter(pk=hidden.pk).update(withheld=1)
    comment(ann, publish(bob))
    graph.follow(follower=bob, followee=ann)
    for viewer in (ann, bob):
        client = Client()
        client.force_login(viewer)
        assert "nothing to draw yet" in client.get("/ann/statistics/").content.decode()


def test_a_bounded_number_of_kwips_is_counted_and_the_page_says_so(
    ann: User, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "MOST", 2)
    for _ in range(3):
        publish(ann)
    page = Client().get("/ann/statistics/").content.decode()
    assert "2 kwips for everyone" in page
    assert "we count the newest 2" in page


def test_the_drawing_has_a_title_a_description_and_a_table(ann: User, publish: Publish) -> None:
    for _ in range(2):
        publish(ann)
    page = Client().get("/ann/statistics/").content.decode()
    month = f"{timezone.now():%B %Y}"
    for chart in ("months", "weekdays", "hours"):
        assert f'<title id="{chart}-title">' in page
        assert f'<desc id="{chart}-desc">' in page
    assert f"the most, 2, are of {month}." in page
    assert re.search(rf'<th scope="row">{month}</th>\s*<td>2</td>', page)
    assert page.partition('class="chart"')[2].count("<rect") == 12 + 7 + 24
    assert 'height="100"' in page


def test_another_spelling_of_the_name_leads_to_the_one_address(ann: User) -> None:
    assert Client().get("/Ann/statistics/")["Location"] == "/ann/statistics/"
    assert Client().get("/nobody/statistics/").status_code == 404
