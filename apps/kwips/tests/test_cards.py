"""Cards in memcached: the same for everyone, never stale, with nothing of anybody's in them."""

import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps import lookaside
from apps.accounts.actions import change_profile
from apps.accounts.models import User
from apps.accounts.names import rename
from apps.graph.actions import follow
from apps.kwips import actions, cards, queries
from apps.kwips.models import Kwip
from apps.kwips.visibility import Visible

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]

type Publish = Callable[..., Kwip]


@pytest.fixture
def member(client: Client, ann: User) -> Client:
    client.force_login(ann)
    return client


def page(client: Client, address: str = "/everyone/") -> str:
    return client.get(address).content.decode()


def test_a_network_page_costs_two_queries_and_three_round_trips(
    member: Client, ann: User, bob: User, publish: Publish
) -> None:
    follow(follower=ann, followee=bob)
    for number in range(25):
        publish(bob, f"tea number {number}")
    page(member, "/")
    with CaptureQueriesContext(connection) as captured, lookaside.stats.collected() as counts:
        shown = page(member, "/")
    assert shown.count("<article") == 20
    asked = [query["sql"] for query in captured]
    assert len(asked) == 2, asked
    assert "feeds_network" in asked[0]
    assert "kwips_favourite" in asked[1]
    assert (counts.round_trips, counts.misses) == (3, 0)


def test_cards_that_are_not_kept_are_read_by_one_query(member: Client, ann: User, publish: Publish) -> None:
    publish(ann)
    page(member)
    for number in range(5):
        publish(ann, f"new {number}")
    with CaptureQueriesContext(connection) as captured:
        assert page(member).count("<article") == 6
    assert len([q for q in captured if "kwips_cards" in q["sql"]]) == 1


def test_every_change_that_a_card_shows_is_seen_at_once(
    member: Client, ann: User, bob: User, publish: Publish, comment: Publish
) -> None:
    kwip = publish(bob, "before")
    assert "before" in page(member)
    actions.edit(kwip=kwip, text="after")
    shown = page(member)
    assert "before" not in shown
    assert "after" in shown
    assert "edited" in shown
    change_profile(user=bob, display_name="Bob the Baker", bio="")
    assert "Bob the Baker" in page(member)
    said = comment(ann, kwip)
    assert '1<span class="sr"> comment' in page(member)
    actions.delete(kwip=said)
    assert '1<span class="sr"> comment' not in page(member)
    actions.favourite(kwip=kwip, user=bob)
    assert 'data-count="1"' in page(member)
    actions.unfavourite(kwip=kwip, user=bob)
    assert 'data-count="1"' not in page(member)
    actions.delete(kwip=kwip)
    assert "<article" not in page(member)


def test_a_comments_card_follows_the_kwip_that_it_is_about(
    member: Client, ann: User, bob: User, publish: Publish, comment: Publish
) -> None:
    kwip = publish(bob, "tea at four")
    comment(ann, kwip, "with milk")
    assert "tea at four" in page(member, "/ann/comments/")
    actions.edit(kwip=kwip, text="tea at five")
    assert "tea at five" in page(member, "/ann/comments/")


def test_each_viewer_sees_their_own_marks_on_the_same_card(
    member: Client, ann: User, bob: User, publish: Publish
) -> None:
    kwip = publish(bob)
    actions.favourite(kwip=kwip, user=ann)
    baker, visitor = Client(), Client()
    baker.force_login(bob)
    for _ in range(2):  # rendered, and from the cache
        for_ann, for_bob, for_anyone = page(member), page(baker), page(visitor)
        assert 'aria-pressed="true"' in for_ann
        assert "/edit/" not in for_ann
        assert 'aria-pressed="false"' in for_bob
        assert f"/kwip/{kwip.pk}/edit/" in for_bob
        assert f"/kwip/{kwip.pk}/delete/" in for_bob
        assert "aria-pressed" not in for_anyone
        assert "csrf" not in for_anyone
        assert "/edit/" not in for_anyone


def test_what_is_kept_of_a_card_holds_no_token_and_nobody_but_its_author(
    member: Client, ann: User, bob: User, publish: Publish
) -> None:
    kept = str(cards._rendered(queries.cards([Visible(publish(bob).pk)])[0]))
    assert "bob" in kept
    assert "csrf" not in kept
    assert ann.username not in kept


def test_the_one_form_behind_the_hearts_works_without_javascript(
    member: Client, ann: User, bob: User, publish: Publish
) -> None:
    kwip = publish(bob)
    shown = page(member)
    assert shown.count('<form id="mark"') == 1
    assert f'formaction="/kwip/{kwip.pk}/favourite/"' in shown
    member.post(f"/kwip/{kwip.pk}/favourite/", {"next": "/everyone/"})
    assert 'aria-pressed="true"' in page(member)


def test_a_card_is_kept_under_every_file_whose_code_makes_it(ann: User, bob: User, publish: Publish) -> None:
    """Else a new release would go on with the cards of the last one."""
    text = f"مرحبا @bob #tea https://example.com/{'long/' * 20}\n\tand more {'words ' * 1500}"
    kwip = publish(ann, text)
    below = actions.comment(author=bob, thread=kwip, text="words " * 1500, form_key=uuid.uuid4()).kwip
    ran: set[Path] = set()

    def seen(frame: FrameType, event: str, argument: object) -> None:
        ran.add(Path(frame.f_code.co_filename))

    before = sys.getprofile()
    for kind in cards.Kind:
        for card in queries.cards([Visible(kwip.pk), Visible(below.pk)], characters=kind.characters):
            sys.setprofile(seen)
            try:
                cards._rendered(card, kind)
            finally:
                sys.setprofile(before)
    apps = settings.BASE_DIR / "apps"
    of_ours = {path for path in ran if path.is_relative_to(apps)} - {Path(__file__)}
    assert len(of_ours) >= 9
    assert of_ours <= set(cards._made_by())


def test_a_comments_card_has_the_new_name_of_whom_it_answers(
    client: Client, ann: User, bob: User, publish: Publish
) -> None:
    thread = publish(bob, "a kwip about tea")
    said = "long " * 1500 + "#milk"
    made = actions.comment(author=ann, thread=thread, text=said, form_key=uuid.uuid4()).kwip
    addresses = ["/ann/comments/", f"/ann/kwip/{made.pk}/whole/"]
    for address in addresses:
        assert '<bdi dir="ltr">@bob</bdi>' in page(client, address)
    rename(user_id=bob.pk, username="bobby")
    for address in addresses:
        assert '<bdi dir="ltr">@bobby</bdi>' in page(client, address), address
        assert f'href="/bobby/kwip/{thread.pk}/' in page(client, address)
