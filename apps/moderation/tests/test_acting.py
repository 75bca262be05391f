"""What moderators do, on whom they may, and what the person hears of it."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.kwips.models import Kwip, Withheld
from apps.messages import actions as messages
from apps.messages.models import Message
from apps.moderation import actions, appeals, cases
from apps.moderation.models import APPEAL_DAYS, Action, Appeal, Case, Note, Reason, Report, Warning, What
from tests.support.people import PASSWORD, member, signs_in, who_is_in

pytestmark = pytest.mark.django_db

type ClientOf = Callable[[User], Client]
type Publish = Callable[..., Kwip]


@pytest.fixture
def mails(settings) -> list[Any]:
    """What is sent, at once."""
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    return mail.outbox


def reported(kwip: Kwip, by: User) -> Case:
    actions.report(thing=cases.of_kwip(kwip), reporter=by, reason=Reason.SPAM, words="")
    return Case.objects.get(closed_at=None)


def act(what: What, person: User, by: User | None, case: Case | None = None, **fields: Any) -> Action:
    form = {"reason": Reason.SPAM, "words": "please don't"} | fields
    return actions.act(what=what, person=person, by=by, case=case, **form)


def link_in(message: Any) -> str:
    found = re.search(r"/moderation/appeal/\S+", message.body)
    assert found
    return found[0]


def form(what: What, **fields: str) -> dict[str, str]:
    return {"what": what, "reason": "spam", "words": "tut", "form_key": str(uuid.uuid4())} | fields


# ── Hiding and deleting ──


def test_a_hidden_kwip_is_for_its_author_who_sees_why_until_it_is_shown_again(
    ann: User, bob: User, mod: User, publish: Publish, client_of: ClientOf, mails: list[Any]
) -> None:
    kwip = publish(ann, "a secret")
    case = reported(kwip, bob)
    page = f"/moderation/{case.pk}/"
    assert client_of(mod).post(page, form(What.HIDE, words="that was his address")).status_code == 302
    assert client_of(bob).get(f"/ann/kwip/{kwip.pk}/").status_code == 404
    assert "a moderator hid it" in client_of(ann).get(f"/ann/kwip/{kwip.pk}/").content.decode()
    why = client_of(ann).get(f"/kwip/{kwip.pk}/why/").content.decode()
    assert "that was his address" in why
    assert link_in(mails[-1]) in why
    assert "a secret" in mails[-1].body
    assert client_of(bob).get(f"/kwip/{kwip.pk}/why/").status_code == 404
    client_of(mod).post(page, form(What.UNHIDE))
    assert client_of(bob).get(f"/ann/kwip/{kwip.pk}/").status_code == 200
    assert client_of(ann).get(f"/kwip/{kwip.pk}/why/").status_code == 404
    assert list(Action.objects.order_by("pk").values_list("what", flat=True)) == ["hide", "unhide"]


@pytest.mark.parametrize("most", [500, 0])
def test_a_kwip_is_deleted_at_once_or_hidden_until_the_command_has_deleted_it(
    ann: User, bob: User, mod: User, publish: Publish, comment, monkeypatch, most: int
) -> None:
    monkeypatch.setattr("apps.moderation.effects.AT_ONCE", most)
    kwip = publish(ann)
    comment(bob, kwip)
    kwip.refresh_from_db()
    logged = act(What.DELETE, ann, mod, reported(kwip, bob))
    left = Kwip.objects.filter(pk=kwip.pk).first()
    assert left is None if most else left is not None and left.withheld == Withheld.HIDDEN
    assert ("kwip" in logged.after) == bool(most)


# ── Limiting and suspending ──


def test_a_limited_person_is_left_out_of_what_everyone_comes_across(
    ann: User, bob: User, mod: User, publish: Publish, follow, client_of: ClientOf
) -> None:
    follow(bob, ann)
    kwip = publish(ann, "listen #tea")
    lists = ["/", "/everyone/", "/everyone/?sort=active", "/everyone/feed.atom", "/tag/tea/"]
    documents = [f"/sitemap-kwips-{kwip.pk // 10_000}.xml", f"/sitemap-people-{ann.pk // 10_000}.xml"]
    everywhere = lists + documents

    def shows(client: Client, address: str) -> bool:
        return "/ann/" in client.get(address).content.decode()

    assert [address for address in everywhere if not shows(Client(), address)] == []
    act(What.LIMIT, ann, mod)
    assert [address for address in everywhere if shows(Client(), address)] == []
    for address in ("/ann/", f"/ann/kwip/{kwip.pk}/"):
        assert Client().get(address).status_code == 200
    assert "listen" in client_of(bob).get("/").content.decode()
    act(What.UNLIMIT, ann, mod)
    assert [address for address in everywhere if not shows(Client(), address)] == []


def test_a_suspended_person_is_signed_out_and_told_to_the_right_password_alone(
    mod: User, publish: Publish, client_of: ClientOf
) -> None:
    eve = member("eve")
    kwip, browser = publish(eve), Client()
    browser.post("/accounts/login/", {"login": "eve", "password": PASSWORD})
    assert who_is_in(browser) == "eve"
    act(What.SUSPEND, eve, mod)
    assert who_is_in(browser) is None
    assert Client().get(f"/eve/kwip/{kwip.pk}/").status_code == 404
    sign_in = "/accounts/login/"
    right = Client().post(sign_in, {"login": "eve", "password": PASSWORD})
    wrong = Client().post(sign_in, {"login": "eve", "password": "wrong horse"})
    path = appeals.path(Action.objects.get())
    assert (path in right.content.decode(), path in wrong.content.decode()) == (True, False)
    assert b"asleep" not in wrong.content
    act(What.RESTORE, eve, mod)
    assert who_is_in(browser) is None, "the former session is gone"
    assert signs_in("eve")
    assert Client().get(f"/eve/kwip/{kwip.pk}/").status_code == 200


def test_an_action_that_changes_nothing_is_not_logged_again(ann: User, bob: User, mod: User, publish) -> None:
    case = reported(publish(ann), bob)
    for what in (What.HIDE, What.LIMIT, What.SUSPEND):
        act(what, ann, mod, case)
        with pytest.raises(actions.NothingToDo):
            act(what, ann, mod, case)
    key = uuid.uuid4()
    act(What.WARN, ann, mod, form_key=key)
    with pytest.raises(actions.NothingToDo):
        act(What.WARN, ann, mod, form_key=key)
    assert Action.objects.count() == 4
    assert Warning.objects.count() == 1
    with pytest.raises(actions.NothingToDo):
        act(What.DISMISS, ann, mod, case)


# ── Warnings ──


def test_a_warning_is_shown_before_anything_else_until_it_is_read(
    ann: User, bob: User, mod: User, publish: Publish, client_of: ClientOf
) -> None:
    client = client_of(ann)
    assert b"moderator" not in client.get("/everyone/").content
    act(What.WARN, ann, mod, reported(publish(ann, "rude words"), bob))
    for address in ("/", "/everyone/", "/settings/", "/ann/"):
        page = client.get(address).content.decode()
        assert "please don&#x27;t" in page, address
        assert "rude words" in page
    sent = client.post("/kwip/", {"text": "a long text", "form_key": str(uuid.uuid4())})
    assert (sent.status_code, b"a long text" in sent.content) == (403, True)
    assert Kwip.objects.count() == 1
    clicked = client.post("/kwip/1/favourite/", headers={"Accept": "application/json"})
    assert (clicked.status_code, clicked.json()["link"]["href"]) == (403, "/moderation/warning/")
    newest = Warning.objects.get().pk
    act(What.WARN, ann, mod, words="once more")
    client.post("/moderation/warning/", {"newest": newest, "next": "/everyone/"})
    assert "once more" in client.get("/everyone/").content.decode(), "it came since"
    answer = client.post("/moderation/warning/", {"newest": newest + 1, "next": "//evil.example/"})
    assert answer.headers["Location"] == "/"
    assert "once more" not in client.get("/everyone/").content.decode()
    assert client_of(bob).get("/everyone/").status_code == 200


# ── Roles ──


def test_only_people_with_a_role_see_the_queue(
    ann: User, bob: User, mod: User, publish: Publish, client_of: ClientOf
) -> None:
    case = reported(publish(ann, "look here"), bob)
    addresses = ["/moderation/", f"/moderation/{case.pk}/", "/moderation/people/ann/"]
    for address in addresses:
        for client in (Client(), client_of(ann)):
            assert client.get(address).status_code == 404, address
            assert client.post(address, form(What.DISMISS)).status_code in (403, 404, 405)
        shown = client_of(mod).get(address)
        assert "look here" in shown.content.decode()
        assert shown.headers["Cache-Control"] == "private, no-store"
    assert client_of(ann).post("/moderation/people/bob/note/", {"words": "x"}).status_code == 404
    assert Case.objects.get().closed_at is None


def test_the_settings_page_leads_people_with_a_role_to_the_queue(
    client_of: Callable[[User], Client], ann: User, mod: User, ops: User
) -> None:
    for person, is_there in ((ann, False), (mod, True), (ops, True)):
        assert ("/moderation/" in client_of(person).get("/settings/").text) == is_there, person


def test_who_may_act_on_whom(ann: User, mod: User, other_mod: User, ops: User) -> None:
    root = User.objects.create_superuser("root_user", "root@example.org")
    allowed = {(mod, ann), (ops, ann), (root, ann), (ops, mod), (root, mod), (root, ops), (ops, root)}
    people = [ann, mod, ops, root]
    for by in people:
        for person in people:
            if (by, person) in allowed:
                act(What.WARN, person, by)
            else:
                with pytest.raises(actions.NotAllowed):
                    act(What.WARN, person, by)
    with pytest.raises(actions.NotAllowed):
        act(What.SUSPEND, other_mod, mod)
    act(What.SUSPEND, other_mod, ops)
    with pytest.raises(actions.NotAllowed):
        act(What.RESTORE, other_mod, mod)  # the role protects while one is switched off
    other_mod.refresh_from_db()
    with pytest.raises(actions.NotAllowed):
        act(What.WARN, ann, other_mod)


def test_a_moderator_sees_the_reported_message_and_no_other(
    ann: User, bob: User, mod: User, follow, client_of: ClientOf
) -> None:
    follow(bob, ann)
    for text in ("first words", "other words"):
        messages.send(sender=ann, recipient=bob, text=text, form_key=uuid.uuid4())
    found = Message.objects.get(owner=bob, text="first words")
    actions.report(thing=cases.of_message(found), reporter=bob, reason=Reason.SPAM, words="help")
    page = client_of(mod).get(f"/moderation/{Case.objects.get().pk}/").content.decode()
    assert "first words" in page
    assert "help" in page
    assert "other words" not in page


def test_a_case_shows_its_context_and_notes(
    ann: User, bob: User, mod: User, publish: Publish, comment, client_of: ClientOf
) -> None:
    thread = publish(bob, "where it began")
    comment(bob, thread, "before it")
    below = comment(ann, thread, "the bad one")
    comment(bob, thread, "after it")
    publish(ann, "lately")
    case = reported(below, bob)
    client = client_of(mod)
    client.post("/moderation/people/ann/note/", {"words": "is new here"})
    assert client.post("/moderation/people/ann/note/", {"words": ""}).status_code == 422
    page = client.get(f"/moderation/{case.pk}/").content.decode()
    for words in ("where it began", "before it", "the bad one", "after it", "lately", "is new here", "spam"):
        assert words in page, words
    refused = client.post(f"/moderation/{case.pk}/", {"words": "typed"})
    assert (refused.status_code, b"typed" in refused.content) == (422, True)


def test_notes_are_bounded(ann: User, mod: User, monkeypatch) -> None:
    monkeypatch.setattr(actions, "NOTES", 2)
    for number in range(4):
        actions.note(person=ann, writer=mod, text=str(number))
    assert set(Note.objects.values_list("text", flat=True)) == {"2", "3"}


def test_the_queue_has_one_line_a_thing_and_walks_oldest_first(
    ann: User, bob: User, mod: User, publish: Publish, client_of: ClientOf, monkeypatch
) -> None:
    monkeypatch.setattr("apps.moderation.queries.PAGE_SIZE", 2)
    for number in range(3):
        thing = cases.of_kwip(publish(ann, f"kwip number {number}"))
        for by in (bob, mod):
            actions.report(thing=thing, reporter=by, reason=Reason.SPAM, words="")
    client = client_of(mod)
    first = client.get("/moderation/").content.decode()
    assert [first.count(f"kwip number {number}") for number in range(3)] == [1, 1, 0]
    assert "2 reports" in first
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following
    assert "kwip number 2" in client.get(f"/moderation/{following[1]}").content.decode()
    assert Report.objects.count() == 6


# ── Appeals ──


def test_a_suspended_person_appeals_once_and_another_moderator_answers(
    mod: User, other_mod: User, client_of: ClientOf, mails: list[Any]
) -> None:
    eve = member("eve")
    act(What.SUSPEND, eve, mod)
    link, visitor = link_in(mails[-1]), Client()
    assert visitor.post(link, {"words": ""}).status_code == 422
    assert b"it was a joke" in visitor.post(link, {"words": "it was a joke"}).content
    assert visitor.post(link, {"words": "once more"}).status_code == 410
    case = Case.objects.get()
    page = f"/moderation/{case.pk}/"
    refused = client_of(mod).post(page, form(What.OVERTURN, words="typed"))
    assert (refused.status_code, b"typed" in refused.content) == (403, True)
    assert "it was a joke" in client_of(other_mod).get(page).content.decode()
    client_of(other_mod).post(page, form(What.OVERTURN, words="sorry"))
    assert signs_in("eve")
    assert "you were right" in mails[-1].body
    assert "sorry" in mails[-1].body
    logged = Action.objects.get(what=What.OVERTURN)
    assert (logged.before["suspended"], logged.after["suspended"]) == (True, False)
    with pytest.raises(actions.NothingToDo):
        act(What.UPHOLD, eve, other_mod, case)


def test_the_only_moderator_answers_an_appeal_too(ann: User, bob: User, mod: User, publish: Publish) -> None:
    kwip = publish(ann)
    hidden = act(What.HIDE, ann, mod, reported(kwip, bob))
    actions.appeal(action=hidden, words="no")
    act(What.UPHOLD, ann, mod, Case.objects.get(closed_at=None))
    assert Kwip.objects.get().withheld == Withheld.HIDDEN


def test_an_appeal_is_for_thirty_days_and_for_the_right_link(ann: User, mod: User, monkeypatch) -> None:
    action = act(What.LIMIT, ann, mod)
    assert Client().get("/moderation/appeal/1:forged/").status_code == 404
    later = timezone.now() + timedelta(days=APPEAL_DAYS, minutes=1)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    assert Client().get(appeals.path(action)).status_code == 410
    with pytest.raises(actions.TooLate):
        actions.appeal(action=action, words="late")
    assert not Appeal.objects.exists()


def test_what_needs_no_appeal_has_none(ann: User, mod: User) -> None:
    act(What.LIMIT, ann, mod)
    with pytest.raises(actions.TooLate):
        actions.appeal(action=act(What.UNLIMIT, ann, mod), words="no")
