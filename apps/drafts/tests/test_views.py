"""The pages: without a script everything is there, and bad input loses no word."""

import datetime
import uuid
from collections.abc import Callable

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape

from apps.accounts.models import User
from apps.drafts import actions
from apps.drafts.models import MOST_BYTES, Draft
from apps.drafts.tests.conftest import Keep
from apps.kwips.models import Kwip
from apps.notifications import preferences

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}
KEY = str(uuid.uuid4())
type Post = Callable[..., HttpResponse]


@pytest.fixture
def member(client: Client, ann: User) -> Client:
    client.force_login(ann)
    return client


def in_days(days: int, **more: str) -> dict[str, str]:
    day = timezone.now().date() + datetime.timedelta(days=days)
    return {"day": day.isoformat(), "time": "09:30", "time_zone": "Europe/Berlin", **more}


def test_a_button_keeps_it_and_leads_to_the_draft(member: Client) -> None:
    answer = member.post("/drafts/keep/", {"text": "half", "form_key": KEY, "draft": ""})
    draft = Draft.objects.get()
    assert answer["Location"] == f"/drafts/{draft.pk}/"
    page = member.get(answer["Location"])
    assert page["Cache-Control"] == "private, no-store"
    html = page.content.decode()
    assert KEY in html
    assert ">\nhalf</textarea>" in html
    sent = {"text": "half a thought", "form_key": KEY, "draft": "1"}
    member.post("/kwip/", sent)
    assert Kwip.objects.get().text == "half a thought"
    assert not Draft.objects.exists()


def test_the_other_button_asks_when(member: Client) -> None:
    answer = member.post("/drafts/keep/", {"text": "half", "form_key": KEY, "then_later": "on"})
    assert answer["Location"] == f"/drafts/{Draft.objects.get().pk}/later/"


def test_the_script_hears_the_version(member: Client) -> None:
    sent = {"text": "half", "form_key": KEY}
    facts = member.post("/drafts/keep/", sent, headers=JSON).json()
    assert (facts["key"], facts["version"], facts["said"]) == (KEY, 1, "kept")
    member.post("/drafts/keep/", {"text": "other", "form_key": KEY, "draft": "1"}, headers=JSON)
    apart = member.post(
        "/drafts/keep/", {"text": "half!", "form_key": KEY, "draft": "1"}, headers=JSON
    ).json()
    assert apart["key"] != KEY
    assert "both" in apart["said"]
    member.post("/kwip/", {"text": "said", "form_key": KEY})
    late = member.post(
        "/drafts/keep/", {"text": "other", "form_key": apart["key"], "draft": "1"}, headers=JSON
    )
    assert late.status_code == 200


@pytest.mark.parametrize(
    ("text", "what"),
    [("", "something"), ("tea\0pot", "NUL"), ('"' * (MOST_BYTES // 2), "too much")],
)
def test_what_is_not_kept_is_refused_with_its_words(member: Client, text: str, what: str) -> None:
    sent = {"text": text, "form_key": KEY}
    page = member.post("/drafts/keep/", sent)
    assert page.status_code == 422
    assert what in page.content.decode()
    assert escape(text.replace("\0", "")[:100]) in page.content.decode().replace("\0", "")
    answer = member.post("/drafts/keep/", sent, headers=JSON)
    assert (answer.status_code, what in answer.json()["error"]) == (422, True)
    assert not Draft.objects.exists()


def test_more_than_there_is_room_for(member: Client, ann: User, keep: Keep, monkeypatch) -> None:
    monkeypatch.setattr(actions, "MOST", 1)
    keep(ann)
    page = member.post("/drafts/keep/", {"text": "one more", "form_key": KEY})
    assert (page.status_code, "one more" in page.content.decode()) == (422, True)
    answer = member.post("/drafts/keep/", {"text": "one more", "form_key": KEY}, headers=JSON)
    assert (answer.status_code, "throw one away" in answer.json()["error"]) == (422, True)


def test_too_often_keeps_the_words_in_the_form(member: Client, settings) -> None:
    settings.LIMITS = settings.LIMITS | {"draft": "1/1h", "schedule": "1/1h"}
    member.post("/drafts/keep/", {"text": "half", "form_key": KEY})
    page = member.post("/drafts/keep/", {"text": "other words", "form_key": KEY})
    assert (page.status_code, "other words" in page.content.decode()) == (429, True)
    assert member.post("/drafts/keep/", {"text": "x", "form_key": KEY}, headers=JSON).status_code == 429
    address = f"/drafts/{Draft.objects.get().pk}/later/"
    assert member.post(address, in_days(3)).status_code == 302
    page = member.post(address, in_days(4))
    assert (page.status_code, in_days(4)["day"] in page.content.decode()) == (429, True)


@pytest.mark.parametrize("button", ["keep", "then_later"])
def test_files_that_a_button_has_not_sent_are_asked_for(member: Client, button: str) -> None:
    sent = {"text": "half a thought", "form_key": KEY, "files": "tea.png", button: "on"}
    page = member.post("/drafts/keep/", sent)
    assert page.status_code == 422
    assert "the pictures are not here yet" in page.content.decode()
    assert "half a thought</textarea>" in page.content.decode()
    assert member.post("/drafts/keep/", sent, headers=JSON).status_code == 200


def test_signed_out_the_words_are_on_the_page(client: Client) -> None:
    page = client.post("/drafts/keep/", {"text": "half a thought", "form_key": KEY})
    assert (page.status_code, "half a thought" in page.content.decode()) == (403, True)
    answer = client.post("/drafts/keep/", {"text": "half"}, headers=JSON)
    assert (answer.status_code, answer.json()["link"]["href"]) == (403, "/accounts/login/")


def test_after_signing_in_there_is_a_composer(member: Client) -> None:
    assert member.get("/drafts/keep/")["Location"] == "/kwip/"


def test_scheduled_changed_and_cancelled(member: Client, ann: User, keep: Keep) -> None:
    draft = keep(ann)
    address = f"/drafts/{draft.pk}"
    assert member.post(f"{address}/later/", in_days(3))["Location"] == "/drafts/"
    draft.refresh_from_db()
    first = draft.publish_at
    assert first
    assert preferences.of(ann).time_zone == "Europe/Berlin", "it is remembered"
    for page in ("/drafts/", f"{address}/"):
        assert "09:30 (Europe/Berlin)" in member.get(page).content.decode()
    asked = member.get(f"{address}/later/").content.decode()
    assert f'value="{in_days(3)["day"]}"' in asked
    assert 'value="09:30"' in asked
    member.post(f"{address}/later/", in_days(4, time_zone="Asia/Kolkata"))
    draft.refresh_from_db()
    assert draft.publish_at
    assert draft.publish_at != first
    assert preferences.of(ann).time_zone == "Europe/Berlin", "a chosen one is left alone"
    member.post(f"{address}/cancel/")
    draft.refresh_from_db()
    assert draft.publish_at is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"day": ""}, {"time": ""}, {"day": "soon"}, {"time": "25:00"}, {"time_zone": "Mars/Base"},
        {"day": "2020-01-01"}, {"day": "9999-12-31"}, {"day": "0001-01-01"}, {"time": "x\0"},
        {"time_zone": "../etc/passwd"},
    ],
)  # fmt: skip
def test_a_wrong_time_is_shown_again(member: Client, ann: User, keep: Keep, wrong: dict[str, str]) -> None:
    draft = keep(ann)
    page = member.post(f"/drafts/{draft.pk}/later/", in_days(3) | wrong)
    assert page.status_code == 422
    assert 'aria-invalid="true"' in page.content.decode()
    draft.refresh_from_db()
    assert draft.publish_at is None


def test_what_is_gone_meanwhile_is_said(member: Client, ann: User, keep: Keep) -> None:
    gone = keep(ann).pk
    actions.delete(owner=ann, draft_id=gone)
    page = member.post(f"/drafts/{gone}/cancel/", follow=True)
    assert "it is gone" in page.content.decode()
    page = member.post(f"/drafts/{gone}/delete/", follow=True)  # a double click
    assert page.status_code == 200


@pytest.mark.parametrize("what", ["", "later/", "delete/"])
def test_a_draft_of_somebody_else_does_not_exist(member: Client, bob: User, keep: Keep, what: str) -> None:
    theirs = keep(bob)
    assert member.get(f"/drafts/{theirs.pk}/{what}").status_code == 404
    assert member.post(f"/drafts/{theirs.pk}/{what}", in_days(3)).status_code in (302, 404, 405)
    for button in ("cancel", "delete"):
        member.post(f"/drafts/{theirs.pk}/{button}/")
    member.post("/drafts/keep/", {"text": "mine", "form_key": str(theirs.form_key), "draft": "1"})
    theirs.refresh_from_db()
    assert (theirs.fields, theirs.version, theirs.publish_at) == ({"text": ["half a thought"]}, 1, None)


def test_a_reason_is_in_the_list_until_it_is_changed(member: Client, ann: User, keep: Keep) -> None:
    draft = keep(ann)
    Draft.objects.filter(pk=draft.pk).update(failed="the kettle was cold")
    for page in ("/drafts/", f"/drafts/{draft.pk}/"):
        assert "the kettle was cold" in member.get(page).content.decode()
    sent = {"text": "hot", "form_key": str(draft.form_key), "draft": "1"}
    member.post("/drafts/keep/", sent)
    assert "kettle" not in member.get("/drafts/").content.decode()


def test_the_list_costs_the_same_with_many(member: Client, ann: User, keep: Keep) -> None:
    counts = []
    for number in range(3):
        keep(ann, f"thought {number}" * 1_000)
        with CaptureQueriesContext(connection) as queries:
            member.get("/drafts/")
        counts.append(len(queries))
    assert counts[0] == counts[-1]
