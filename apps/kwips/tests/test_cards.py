"""Cards in memcached: the same for all viewers, never stale, with no viewer's data in them."""

import json
import uuid
from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.db import connection, transaction
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps import lookaside
from apps.accounts.actions import change_profile
from apps.accounts.models import User
from apps.accounts.names import rename
from apps.graph.actions import follow
from apps.kwips import actions, bookmarks, cards, controls, queries, sharing
from apps.kwips.controls import Control, Facts, Marks
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


def test_a_network_page_costs_two_queries_and_one_round_trip(
    member: Client, ann: User, bob: User, publish: Publish
) -> None:
    """The timeline and the right column. Cards are in the process: the round trip reads session and user."""
    follow(follower=ann, followee=bob)
    for number in range(25):
        publish(bob, f"tea number {number}")
    page(member, "/")
    with CaptureQueriesContext(connection) as captured, lookaside.stats.collected() as counts:
        shown = page(member, "/")
    assert shown.count("<article") == 20
    asked = [query["sql"] for query in captured]
    assert ["feeds_network" in asked[0], "feeds_side" in asked[1]] == [True, True]
    assert len(asked) == 2, asked
    assert (counts.round_trips, counts.misses) == (1, 0)


def test_another_process_reads_the_cards_in_one_round_trip(
    member: Client, ann: User, publish: Publish
) -> None:
    for number in range(5):
        publish(ann, f"tea number {number}")
    first = page(member)
    cards.near.clear()
    with CaptureQueriesContext(connection) as captured, lookaside.stats.collected() as counts:
        assert page(member).count("<article") == first.count("<article") == 5
    assert "kwips_cards" not in "".join(query["sql"] for query in captured)
    assert (counts.round_trips, counts.misses) == (3, 0)  # viewer, new people, cards


def test_without_the_near_cache_each_page_reads_its_cards_from_memcached(
    member: Client, ann: User, publish: Publish, settings: LazySettings
) -> None:
    settings.CARD_NEAR_CACHE_BYTES = 0
    publish(ann)
    page(member)
    with lookaside.stats.collected() as counts:
        assert page(member).count("<article") == 1
    assert (counts.round_trips, counts.misses) == (3, 0)  # viewer, new people, cards


def test_a_card_of_a_transaction_that_is_rolled_back_is_not_kept(
    member: Client, ann: User, publish: Publish
) -> None:
    """The next edit gets the same version."""
    kwip = publish(ann, "before")
    with transaction.atomic():
        actions.edit(kwip=kwip, text="never committed")
        [entry] = queries.cards([Visible(kwip.pk)])
        [shown] = cards.shown([entry], ann.pk)
        assert b"never committed" in shown
        transaction.set_rollback(True)
    kwip.refresh_from_db()
    actions.edit(kwip=kwip, text="after")
    [committed] = queries.cards([Visible(kwip.pk)])
    assert committed.version == entry.version
    for shown_page in (page(member), page(member)):
        assert "after" in shown_page
        assert "never committed" not in shown_page


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
    sharing.share(kwip=kwip, user=ann)
    assert 'data-count="1"' in page(member)
    sharing.unshare(kwip=kwip, user=ann)
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
    sharing.share(kwip=kwip, user=ann)
    bookmarks.bookmark(kwip=kwip, user=ann)
    baker, visitor = Client(), Client()
    baker.force_login(bob)
    for _ in range(2):  # rendered, and from the cache
        for_ann, for_bob, for_anyone = page(member), page(baker), page(visitor)
        assert for_ann.count('aria-pressed="true"') == 3
        assert 'aria-pressed="false"' not in for_ann
        assert "/edit/" not in for_ann
        assert for_bob.count('aria-pressed="false"') == 2
        assert 'aria-pressed="true"' not in for_bob
        assert "share/" not in for_bob, "it is his own"
        assert f"/kwip/{kwip.pk}/edit/" in for_bob
        assert f"/kwip/{kwip.pk}/delete/" in for_bob
        assert "aria-pressed" not in for_anyone
        assert "csrf" not in for_anyone
        assert "/edit/" not in for_anyone
        assert 'class="menu"' not in for_anyone


def test_a_stored_card_holds_no_token_and_names_nobody_but_its_author(
    member: Client, ann: User, bob: User, publish: Publish
) -> None:
    stored = cards.encode(queries.cards([Visible(publish(bob).pk)])[0]).decode()
    assert "bob" in stored
    assert "csrf" not in stored
    assert ann.username not in stored


def test_a_stored_card_names_its_parts(bob: User, publish: Publish) -> None:
    kwip = publish(bob, "täglich tee")
    stored = cards.encode(queries.cards([Visible(kwip.pk)])[0])
    header, _, html = stored.partition(b"\n\n")
    facts, *lines = header.decode().split("\n")
    assert json.loads(facts) == {
        "id": kwip.pk, "author_id": bob.pk, "thread_author_id": None, "is_for_everyone": True,
        "created_at": int(kwip.created_at.timestamp()),
    }  # fmt: skip
    lengths = [line.split(" ") for line in lines]
    assert [name for name, _ in lengths] == [
        "body", "heart/anonymous", "heart/off", "heart/on",
        "body", "shared/number", "shared/off", "shared/on", "menu_begin/begin", "bookmark/off", "bookmark/on",
        "others/member", "own/author", "own/thread_author", "menu_end/end",
        "body",
    ]  # fmt: skip
    assert sum(int(length) for _, length in lengths) == len(html)


class Sticker(Control):
    """A control that the site does not have."""

    name, template = "sticker", "sticker.html"
    states = ("anonymous", "liked", "plain")
    fields = ("username",)

    def state_of(self, card: Facts, marks: Marks) -> str:
        if not marks.viewer_id:
            return "anonymous"
        return "liked" if card.id in marks.by_control["heart"] else "plain"


def test_a_new_control_is_a_class_and_a_template(
    client: Client, ann: User, publish: Publish, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    template = "[sticker {{ kwip.id }} of {{ kwip.username }}{{ kwip.name }}: {{ state }}]"
    loaders = [("django.template.loaders.locmem.Loader", {"sticker.html": template})]
    [engine] = settings.TEMPLATES
    options = engine["OPTIONS"] | {
        "loaders": [
            *loaders,
            "django.template.loaders.filesystem.Loader",
            "django.template.loaders.app_directories.Loader",
        ]
    }
    settings.TEMPLATES = [engine | {"APP_DIRS": False, "OPTIONS": options}]
    monkeypatch.setattr(controls, "CONTROLS", [*controls.CONTROLS, Sticker()])
    first, second = publish(ann), publish(ann)
    actions.favourite(kwip=second, user=ann)
    assert f"[sticker {first.pk} of ann: anonymous]" in page(client)
    client.force_login(ann)
    for _ in range(2):  # rendered, and from the cache
        shown = page(client)
        assert f"[sticker {first.pk} of ann: plain]" in shown
        assert f"[sticker {second.pk} of ann: liked]" in shown
        assert "anonymous]" not in shown
        assert 'aria-pressed="false"' in shown
        assert f"/kwip/{first.pk}/edit/" in shown


def test_a_control_is_what_its_template_renders_for_the_card(ann: User, bob: User, publish: Publish) -> None:
    """Also the second time, and for a card with other values."""
    kwips = [publish(ann) for _ in range(3)]
    for kwip in kwips[1:]:
        actions.favourite(kwip=kwip, user=bob)
    found = queries.cards([Visible(kwip.pk) for kwip in kwips])
    assert [card.favourites_count for card in found] == [0, 1, 1]
    for card in found * 2:
        for control in controls.CONTROLS:
            for state in control.states:
                whole = render_to_string(control.template, {"kwip": card, "state": state})
                assert control.render(card, state).decode().split() == whole.split()


def test_the_one_form_behind_the_hearts_works_without_javascript(
    member: Client, ann: User, bob: User, publish: Publish
) -> None:
    kwip = publish(bob)
    shown = page(member)
    assert shown.count('<form id="mark"') == 1
    assert f'formaction="/kwip/{kwip.pk}/favourite/"' in shown
    member.post(f"/kwip/{kwip.pk}/favourite/", {"next": "/everyone/"})
    assert 'aria-pressed="true"' in page(member)


def test_a_new_release_renders_every_card_again(
    member: Client, ann: User, publish: Publish, settings: LazySettings
) -> None:
    """Also earlier versions of a text: both depend on code that changes with the release."""
    kwip = publish(ann, "before")
    actions.edit(kwip=kwip, text="after")
    history = f"/ann/kwip/{kwip.pk}/history/"
    page(member, "/everyone/")  # caches the session, the user and the new people
    for release in ("one", "two"):
        settings.RELEASE = release
        for misses in (1, 0):
            for address in ("/everyone/", history):
                with lookaside.stats.collected() as counts:
                    page(member, address)
                assert counts.misses == misses, (release, address)


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
