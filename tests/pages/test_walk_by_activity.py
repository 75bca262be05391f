"""The pages by activity in Chromium, while kwips are commented: none is seen twice, none is left out."""

import datetime
import uuid

import pytest
from django.db.models import F
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from apps.feeds.queries import PAGE_SIZE
from apps.graph.actions import follow
from apps.kwips import actions
from apps.kwips.models import Kwip
from tests.pages.test_in_place import sign_in
from tests.support.browser import OpenPage

pytestmark = pytest.mark.django_db(transaction=True)

COUNT = 2 * PAGE_SIZE + 5


@pytest.fixture
def ann(transactional_db: None) -> User:
    ann = User.objects.create_user("ann", "ann@example.org")
    follow(follower=ann, followee=User.objects.create_user("bob", "bob@example.org"))
    return User.objects.get(pk=ann.pk)


@pytest.fixture
def kwips(ann: User) -> list[int]:
    """The newest first; the last activity was an hour ago."""
    bob = User.objects.get(username="bob")
    for number in range(COUNT):
        actions.publish(author=bob, text=f"tea number {number}", form_key=uuid.uuid4())
    Kwip.objects.update(last_active_at=F("last_active_at") - datetime.timedelta(hours=1))
    return list(Kwip.objects.order_by("-pk").values_list("pk", flat=True))


def bump(kwip_id: int) -> None:
    thread = Kwip.objects.get(pk=kwip_id)
    actions.comment(author=thread.author, thread=thread, text="more", form_key=uuid.uuid4())


def shown(page: Page) -> list[int]:
    cards = page.locator(".h-feed .kwip").all()
    return [int((card.get_attribute("id") or "").removeprefix("kwip-")) for card in cards]


@pytest.mark.parametrize("path", ["/", "/everyone/"])
def test_with_script_what_was_commented_meanwhile_goes_to_the_top_when_it_is_asked_for(
    live_server: LiveServer, open_page: OpenPage, ann: User, kwips: list[int], path: str
) -> None:
    page = sign_in(open_page(width=390), live_server, ann)
    page.clock.install()
    page.goto(f"{live_server.url}{path}?sort=active")
    cards, older, line = (
        page.locator(".h-feed .kwip"),
        page.locator(".pager [rel=next]"),
        page.locator(".news"),
    )
    older.click()
    expect(cards).to_have_count(2 * PAGE_SIZE)
    below, above = kwips[-1], kwips[3]
    bump(below)
    bump(above)
    older.click()
    expect(cards).to_have_count(COUNT - 1)
    assert shown(page) == kwips[:-1]
    page.clock.run_for(61_000)
    expect(line).to_have_text("2 newly active kwips")
    line.locator("a").click()
    expect(cards).to_have_count(COUNT)
    assert shown(page) == [above, below, *(pk for pk in kwips if pk not in (above, below))]
    expect(line).to_be_hidden()
    page.clock.run_for(61_000)
    expect(line).to_be_hidden()


@pytest.mark.parametrize("path", ["/", "/everyone/", "/bob/"])
def test_without_script_it_is_above_the_first_page_of_the_walk(
    live_server: LiveServer, open_page: OpenPage, ann: User, kwips: list[int], path: str
) -> None:
    page = sign_in(open_page(width=390, javascript=False), live_server, ann)
    older, newer = page.locator(".pager [rel=next]"), page.locator(".pager [rel=prev]")
    first, second = kwips[:PAGE_SIZE], kwips[PAGE_SIZE : 2 * PAGE_SIZE]
    page.goto(f"{live_server.url}{path}?sort=active")
    assert shown(page) == first
    older.click()
    assert shown(page) == second
    below, above = kwips[-1], kwips[3]
    bump(below)
    bump(above)
    older.click()
    assert shown(page) == kwips[2 * PAGE_SIZE : -1]
    newer.click()
    assert shown(page) == second
    newer.click()
    assert shown(page) == [pk for pk in first if pk != above]
    newer.click()
    assert page.url == f"{live_server.url}{path}?sort=active"
    assert shown(page)[:3] == [above, below, kwips[0]]
