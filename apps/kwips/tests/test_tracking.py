"""Tracking a conversation, and answering a comment: the forms and their buttons."""

import re
from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.test import Client

from apps.accounts.models import User
from apps.graph.actions import follow, unfollow
from apps.kwips import actions, tracking
from apps.kwips.models import Kwip, Track

pytestmark = pytest.mark.django_db(transaction=True)

type Write = Callable[..., Kwip]
TRACK, STOP = "track this talk", "stop tracking"


@pytest.fixture
def member(client: Client, bob: User) -> Client:
    client.force_login(bob)
    return client


def page(client: Client, kwip: Kwip, query: str = "") -> str:
    answer = client.get(f"/{kwip.author.username}/kwip/{kwip.pk}/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def button(html: str) -> str:
    found = re.search(r'formaction="/kwip/\d+/(un)?track/"[^>]*>\s*([^<]+?)\s*<', html)
    assert found
    return found[2]


def is_ticked(html: str) -> bool:
    found = re.search(r'<input type="checkbox" name="track"[^>]*>', html)
    assert found
    return "checked" in found[0]


def is_tracking(kwip: Kwip, user: User) -> bool:
    return tracking.tracked(kwip, user).is_on


def test_an_author_tracks_their_kwip_without_a_row_and_can_stop(
    client: Client, ann: User, publish: Write
) -> None:
    kwip = publish(ann)
    client.force_login(ann)
    assert is_tracking(kwip, ann)
    assert not Track.objects.exists()
    assert button(page(client, kwip)) == STOP
    client.post(f"/kwip/{kwip.pk}/untrack/")
    assert not is_tracking(kwip, ann)
    assert button(page(client, kwip)) == TRACK


def test_a_comment_tracks_by_a_ticked_box_and_the_button_takes_it_back(
    member: Client, ann: User, bob: User, publish: Write
) -> None:
    kwip = publish(ann)
    html = page(member, kwip)
    assert (button(html), is_ticked(html)) == (TRACK, True)
    member.post(f"/kwip/{kwip.pk}/comment/", {"text": "milk?", "track": "on"})
    assert is_tracking(kwip, bob)
    assert button(page(member, kwip)) == STOP
    answer = member.post(f"/kwip/{kwip.pk}/untrack/", {"next": f"/ann/kwip/{kwip.pk}/?x#y"})
    assert answer["Location"] == f"/ann/kwip/{kwip.pk}/?x#y"
    html = page(member, kwip)
    assert (button(html), is_ticked(html)) == (TRACK, False), "who stopped is not asked to begin again"
    member.post(f"/kwip/{kwip.pk}/comment/", {"text": "sugar?"})
    assert not is_tracking(kwip, bob)


def test_an_unticked_box_stops_tracking(member: Client, ann: User, bob: User, publish: Write) -> None:
    kwip = publish(ann)
    tracking.set_tracking(kwip=kwip, user=bob, is_on=True)
    member.post(f"/kwip/{kwip.pk}/comment/", {"text": "milk?"})
    assert not is_tracking(kwip, bob)


def test_an_invalid_comment_keeps_the_box_and_what_it_answers(
    member: Client, ann: User, publish: Write, comment: Write
) -> None:
    kwip = publish(ann)
    said = comment(ann, kwip)
    html = member.post(f"/kwip/{kwip.pk}/comment/", {"text": "", "answers": said.pk}).content.decode()
    assert not is_ticked(html)
    assert re.search(rf'name="answers" value="{said.pk}"', html)


def test_tracking_is_for_members_whom_the_kwip_is_for_and_by_post(
    client: Client, member: Client, ann: User, bob: User, publish: Write, comment: Write
) -> None:
    hidden = publish(ann, "between us", followers_only=True)
    assert member.post(f"/kwip/{hidden.pk}/track/").status_code == 404
    assert member.get(f"/kwip/{hidden.pk}/track/").status_code == 405
    assert Client().post(f"/kwip/{hidden.pk}/track/").status_code == 403
    assert member.post("/kwip/999999/track/").status_code == 404
    follow(follower=bob, followee=ann)
    assert member.post(f"/kwip/{hidden.pk}/track/").status_code == 302
    unfollow(follower=bob, followee=ann)
    assert member.post(f"/kwip/{hidden.pk}/untrack/").status_code == 404
    kwip = publish(ann)
    member.post(f"/kwip/{comment(ann, kwip).pk}/track/")
    assert is_tracking(kwip, bob), "a comment's conversation"
    actions.delete(kwip=kwip)
    assert member.post(f"/kwip/{kwip.pk}/track/").status_code == 410
    tracking.set_tracking(kwip=kwip, user=bob, is_on=True)
    assert not Track.objects.filter(kwip_id=kwip.pk).exists()


def test_the_script_gets_json_and_too_many_clicks_are_refused(
    member: Client, ann: User, publish: Write, settings: LazySettings
) -> None:
    kwip = publish(ann)
    settings.LIMITS = settings.LIMITS | {"track": "1/10m"}
    assert member.post(f"/kwip/{kwip.pk}/track/", headers={"accept": "application/json"}).json() == {}
    assert member.post(f"/kwip/{kwip.pk}/untrack/").status_code == 429


def test_neither_button_nor_box_is_on_a_public_page_or_in_a_card(
    member: Client, ann: User, publish: Write, comment: Write
) -> None:
    kwip = publish(ann)
    comment(ann, kwip)
    page(member, kwip)
    html = page(Client(), kwip)
    for words in (TRACK, STOP, 'name="track"', "?answers="):
        assert words not in html
    assert "track/" not in member.get("/everyone/").content.decode()


def test_an_answer_is_addressed_and_links_to_what_it_answers(
    member: Client, ann: User, bob: User, publish: Write, comment: Write
) -> None:
    kwip = publish(ann)
    said = comment(ann, kwip, "with milk?")
    link = re.search(r'href="(\?answers=\d+)#kwip-\d+"', page(member, kwip))
    assert link
    html = page(member, kwip, link[1])
    assert re.search(r"<textarea[^>]*>\s*@ann </textarea>", html)
    member.post(f"/kwip/{kwip.pk}/comment/", {"text": "@ann yes", "answers": said.pk, "track": "on"})
    made = kwip.comments.get(author=bob)
    assert made.answers == said
    to_it = f'href="/ann/kwip/{said.pk}/"'
    assert page(Client(), kwip).count(to_it) == page(member, kwip).count(to_it)
    assert "in answer to" in page(Client(), kwip)
    moved = Client().get(f"/ann/kwip/{said.pk}/")
    assert moved["Location"].endswith(f"#kwip-{said.pk}")
    actions.delete(kwip=said)
    assert "in answer to" not in page(Client(), kwip)


@pytest.mark.parametrize("answers", ["", "x", "-1", "9" * 40, "999999", "other thread", "thread itself"])
def test_a_comment_that_answers_nothing_is_kept_all_the_same(
    member: Client, ann: User, publish: Write, comment: Write, answers: str
) -> None:
    kwip = publish(ann)
    other = comment(ann, publish(ann))
    sent = {"other thread": str(other.pk), "thread itself": str(kwip.pk)}.get(answers, answers)
    areas = re.findall(r"<textarea.*?</textarea>", page(member, kwip, f"?answers={sent}"), re.DOTALL)
    assert "@ann" not in areas[-1]
    answer = member.post(f"/kwip/{kwip.pk}/comment/", {"text": "milk?", "answers": sent})
    assert answer.status_code == 302
    assert kwip.comments.get().answers is None
