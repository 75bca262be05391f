"""Reporting a kwip, a comment, a message or a person, and what the reporter hears."""

import uuid
from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.actions import switch_off
from apps.accounts.models import User
from apps.graph import blocking
from apps.graph.models import Follow
from apps.kwips import actions as kwips
from apps.kwips import holding
from apps.kwips.models import Kwip
from apps.messages import actions as messages
from apps.messages.models import Message
from apps.messages.models import Report as Earlier
from apps.moderation import actions, cases
from apps.moderation.models import WORDS_LIMIT, Action, Case, Kind, Reason, Report, What
from apps.moderation.takeover import take_over
from apps.notifications.models import Notice

pytestmark = pytest.mark.django_db

type ClientOf = Callable[[User], Client]
FORM = {"reason": "spam", "words": "look at it"}


@pytest.fixture
def message(ann: User, bob: User) -> Message:
    """Bob's copy of a message by ann."""
    Follow.objects.create(follower=bob, followee=ann)
    messages.send(sender=ann, recipient=bob, text="buy pills", form_key=uuid.uuid4())
    return Message.objects.get(owner=bob)


def test_each_thing_can_be_reported_with_a_copy_of_its_text(
    ann: User, bob: User, message: Message, publish, comment, client_of: ClientOf
) -> None:
    kwip = publish(ann, "a kwip")
    below = comment(ann, publish(bob), "a comment")
    addresses = {
        f"/kwip/{kwip.pk}/report/": (Kind.KWIP, kwip.pk, "a kwip"),
        f"/kwip/{below.pk}/report/": (Kind.KWIP, below.pk, "a comment"),
        "/ann/report/": (Kind.PERSON, ann.pk, "ann"),
        f"/messages/ann/{message.pk}/report/": (Kind.MESSAGE, message.pk, "buy pills"),
    }
    client = client_of(bob)
    for address, (kind, subject, text) in addresses.items():
        assert text in client.get(address).content.decode()
        assert client.post(address, FORM).status_code == 302
        report = Report.objects.get(case__kind=kind, case__subject=subject)
        assert (report.text, report.case.text, report.case.person, report.reporter) == (text, text, ann, bob)
        assert (report.reason, report.words) == ("spam", "look at it")
    kwips.edit(kwip=kwip, text="innocent")
    assert Report.objects.get(case__subject=kwip.pk, case__kind="kwip").text == "a kwip"


def test_a_reporter_has_one_report_in_an_open_case_and_another_after_it(
    ann: User, bob: User, mod: User, publish, client_of: ClientOf
) -> None:
    kwip = publish(ann)
    for _ in range(2):
        client_of(bob).post(f"/kwip/{kwip.pk}/report/", FORM)
    client_of(mod).post(f"/kwip/{kwip.pk}/report/", FORM)
    case = Case.objects.get()
    assert case.reports.count() == 2
    actions.act(what=What.DISMISS, person=ann, by=mod, reason=Reason.OTHER, case=case)
    client_of(bob).post(f"/kwip/{kwip.pk}/report/", FORM)
    assert Case.objects.filter(closed_at=None).get().reports.count() == 1


def test_what_one_may_not_see_or_is_oneself_cannot_be_reported(
    ann: User, bob: User, message: Message, publish, client_of: ClientOf
) -> None:
    secret = publish(ann, "for followers", followers_only=True)
    Follow.objects.all().delete()
    mine = Message.objects.get(owner=ann)
    refused = {
        bob: [f"/kwip/{secret.pk}/report/", "/bob/report/", f"/messages/ann/{mine.pk}/report/"],
        ann: [f"/messages/bob/{mine.pk}/report/", f"/kwip/{secret.pk}/report/", "/kwip/999/report/"],
    }
    for person, addresses in refused.items():
        for address in addresses:
            assert client_of(person).post(address, FORM).status_code == 404, address
            assert client_of(person).get(address).status_code == 404, address
    assert not Case.objects.exists()


def test_a_form_with_errors_keeps_the_words_and_the_limit_too(
    ann: User, bob: User, publish, client_of: ClientOf, settings
) -> None:
    settings.LIMITS = settings.LIMITS | {"report": "2/1d"}
    address, client = f"/kwip/{publish(ann).pk}/report/", client_of(bob)
    refused = client.post(address, {"words": "no reason given"})
    assert (refused.status_code, b"no reason given" in refused.content) == (422, True)
    assert client.post(address, FORM | {"words": "x" * (WORDS_LIMIT + 1)}).status_code == 422
    for _ in range(3):
        assert client.post(address, FORM).status_code == 302, "the same report does not count"
    below = publish(ann, "another")
    assert client.post(f"/kwip/{below.pk}/report/", FORM).status_code == 302
    late = client.post("/ann/report/", FORM)
    assert (late.status_code, b"look at it" in late.content) == (429, True)


@pytest.mark.parametrize(("what", "words"), [(What.DISMISS, "left it as it"), (What.HIDE, "did something")])
def test_the_reporter_hears_what_came_of_it_and_not_who_acted(
    ann: User, bob: User, mod: User, publish, client_of: ClientOf, what: What, words: str
) -> None:
    client_of(bob).post(f"/kwip/{publish(ann).pk}/report/", FORM)
    case = Case.objects.get()
    page = f"/moderation/reports/{case.pk}/"
    assert "looked at it yet" in client_of(bob).get(page).content.decode()
    actions.act(what=what, person=ann, by=mod, reason=Reason.SPAM, case=case)
    notice = Notice.objects.get(kind="report")
    assert (notice.recipient, notice.actor, notice.subject) == (bob, None, case.pk)
    listed = client_of(bob).get("/notifications/").content.decode()
    assert "we looked at what you reported" in listed
    assert page in listed
    told = client_of(bob).get(page).content.decode()
    assert words in told
    assert mod.username not in told
    assert client_of(ann).get(page).status_code == 404


@pytest.mark.parametrize("withhold", ["suspend", "hide", "block"])
def test_the_page_of_a_report_has_the_text_as_long_as_the_reporter_may_see_it(
    ann: User, bob: User, publish, client_of, withhold: str
) -> None:
    kwip = publish(ann, "canary")
    client_of(bob).post(f"/kwip/{kwip.pk}/report/", FORM)
    page = f"/moderation/reports/{Case.objects.get().pk}/"
    assert "canary" in client_of(bob).get(page).content.decode()
    if withhold == "suspend":
        switch_off(people=[ann], by=None)
    elif withhold == "hide":
        holding.hide(kwip=kwip)
    else:
        blocking.block(blocker=ann, blocked=bob)
    answer = client_of(bob).get(page)
    assert answer.status_code == 200
    assert "canary" not in answer.content.decode()


def test_a_report_of_the_previous_release_is_taken_over_once(ann: User, bob: User) -> None:
    for pk, is_handled in ((7, False), (8, True)):
        Earlier.objects.create(
            message_id=pk, reporter=bob, writer=ann, text="hm", sent_at="2026-01-01T00:00Z", note="bad",
            is_handled=is_handled,
        )  # fmt: skip
    assert (take_over.call(), take_over.call()) == (2, 0)
    assert not Earlier.objects.exists()
    assert list(Case.objects.order_by("subject").values_list("kind", "subject", "person", "text")) == [
        ("message", 7, ann.pk, "hm"),
        ("message", 8, ann.pk, "hm"),
    ]
    assert Case.objects.get(closed_at=None).subject == 7
    assert set(Report.objects.values_list("words", "reporter")) == {("bad", bob.pk)}


def test_a_held_kwip_is_a_case_that_a_moderator_lets_be_seen(ann: User, mod: User, publish) -> None:
    kwip = publish(ann, "first!", is_held=True)
    case = Case.objects.get()
    assert (case.kind, case.subject, case.text) == (Kind.KWIP, kwip.pk, "first!")
    actions.act(what=What.RELEASE, person=ann, by=mod, reason=Reason.OTHER, case=case)
    assert Kwip.objects.get().withheld == 0
    case.refresh_from_db()
    assert case.closed_at is not None
    logged = Action.objects.get()
    assert (logged.before["held"], logged.after["held"]) == (True, False)


def test_a_case_is_opened_once(ann: User) -> None:
    thing = cases.of_person(ann)
    assert cases.open_case(thing).pk == cases.open_case(thing).pk
