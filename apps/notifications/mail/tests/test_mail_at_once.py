"""Mail at once: its headers and words, once a conversation, and only of what its reader may see."""

import uuid
from collections.abc import Callable
from email.message import EmailMessage
from functools import partial

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.accounts import actions as accounts
from apps.accounts.models import User
from apps.commandqueue.models import Command, Kind, State
from apps.commandqueue.tests.conftest import work
from apps.commandqueue.tests.smtpserver import Server
from apps.graph import actions as graph
from apps.graph.models import Block, Mute
from apps.kwips import actions
from apps.kwips.events import Visited, visited
from apps.kwips.models import Kwip, Track
from apps.kwips.tracking import set_tracking
from apps.notifications.actions import mark_seen, notify_commented
from apps.notifications.events import Notified, notified
from apps.notifications.mail import mails, now, unreturned
from apps.notifications.mail.tests.conftest import (
    Write,
    addressed,
    choose,
    join,
    mail_at_once,
    outgoing,
    part,
)
from apps.notifications.models import Notice
from apps.notifications.registry import Channel
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def only() -> EmailMessage:
    [mail] = outgoing()
    return mail


def visit(person: User, thread: Kwip) -> None:
    visited.emit(Visited(person, thread.pk))


# ── The message ──────────────────────────────────────────────────────────────────────────────────


def test_the_first_answer_is_mailed_with_its_words_and_the_ways_to_answer_and_to_stop(
    ann: User, bob: User, publish: Write, comment: Write
) -> None:
    kwip = publish(ann, "who has seen the kettle?")
    made = comment(bob, kwip, "on the stove <as ever>")
    assert mail_at_once() == 1
    mail = only()
    assert mail["To"] == "ann@example.org"
    assert mail["Subject"] == "re: “who has seen the kettle?”"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "on the stove <as ever>" in part(mail)
    assert "on the stove &lt;as ever&gt;" in part(mail, "html")
    for kind in ("plain", "html"):
        assert "bob" in part(mail, kind)
        for path in (
            f"/ann/kwip/{kwip.pk}/?answers={made.pk}#comment",
            f"/bob/kwip/{made.pk}/",
            "/settings/notices/",
            "/notifications/stop/",
        ):
            assert settings.SITE_URL + path in part(mail, kind), (kind, path)


def test_headers_thread_a_conversation_and_unsubscribe_by_one_click(
    ann: User, bob: User, publish: Write, comment: Write
) -> None:
    kwip, other = publish(ann), publish(ann)
    for thread in (kwip, other, kwip):
        comment(bob, thread)
        mail_at_once()
        visit(ann, thread)
    first, elsewhere, second = outgoing()
    assert first["References"] == first["In-Reply-To"] == second["References"]
    assert first["References"] != elsewhere["References"]
    assert first["Subject"] == second["Subject"]
    assert len({mail["Message-ID"] for mail in outgoing()}) == 3
    assert first["References"] not in {mail["Message-ID"] for mail in outgoing()}
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
    assert first["Message-ID"].endswith(f"@{host}>")
    assert first["List-Id"] == "<comment.localhost>"
    assert first["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = first["List-Unsubscribe"].strip("<>")
    assert link.startswith(f"{settings.SITE_URL}/notifications/stop/")
    assert link in part(first)


def test_long_headers_reach_the_wire_as_they_are(
    ann: User, bob: User, publish: Write, comment: Write
) -> None:
    """A mail program reads the address as it stands: neither folded nor encoded."""
    comment(bob, publish(ann))
    mail_at_once()
    head = bytes(Command.objects.get(kind=Kind.MAIL).body or b"").partition(b"\r\n\r\n")[0].split(b"\r\n")
    for name in ("List-Unsubscribe", "List-Id", "Message-ID", "References"):
        [line] = [line for line in head if line.startswith(f"{name}: ".encode())]
        assert line == f"{name}: {only()[name]}".encode()
        assert line.endswith(b">")


@pytest.mark.parametrize("text", ["x" * 50_000, "tea " * 10_000, "=?utf-8?q?a?=\n\nb", "e\u0301" * 9_000])
def test_a_mail_is_bounded_whatever_is_said(
    ann: User, bob: User, publish: Write, comment: Write, text: str
) -> None:
    comment(bob, publish(ann, text), text)
    mail_at_once()
    mail = only()
    assert len(bytes(Command.objects.get(kind=Kind.MAIL).body or b"")) < 40_000
    assert len(mail["Subject"]) <= mails.SUBJECT_CHARACTERS
    assert "\n" not in mail["Subject"]
    assert len(part(mail)) < 2_500


def test_a_notice_without_a_conversation_is_mailed_too(ann: User, bob: User) -> None:
    choose(ann, follow="mail")
    graph.follow(follower=bob, followee=ann)
    mail_at_once()
    mail = only()
    assert mail["Subject"] == "bob follows you now"
    assert mail["References"] is None
    assert f"{settings.SITE_URL}/bob/" in part(mail)
    assert "#comment" not in part(mail)


# ── Once ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_conversation_is_mailed_once_until_one_was_back(
    ann: User, bob: User, cee: User, publish: Write, comment: Write
) -> None:
    choose(ann, mention="mail", favourite="mail")
    kwip = publish(ann)

    def all_happens() -> None:
        made = comment(bob, kwip, "hm")
        comment(cee, kwip, "@ann!")
        comment(bob, kwip, "@ann and again")
        actions.favourite(kwip=kwip, user=bob)
        actions.unfavourite(kwip=kwip, user=bob)
        actions.delete(kwip=made)

    all_happens()
    assert mail_at_once() == 1
    all_happens()
    assert mail_at_once() == 0
    visit(ann, kwip)
    all_happens()
    assert mail_at_once() == 1
    assert addressed() == ["ann", "ann"]


def test_the_order_of_locks_is_the_same_after_a_notice_changed(
    ann: User, bob: User, cee: User, publish: Write, comment: Write
) -> None:
    """Else a third command locks the changed notice last, a second one locked it first: a deadlock."""
    choose(ann, mention="mail")
    kwip = publish(bob)
    for writer in (bob, cee, bob):
        comment(writer, kwip, "@ann!")

    def locked() -> list[int]:
        with transaction.atomic():
            rows = unreturned.lock_conversation(person_id=ann.pk, notice_id=0, thread_id=kwip.pk)
        return [one.id for one in rows]

    before = locked()
    assert len(before) == 3
    unreturned.mark(before[:1], Channel.SENT)
    assert locked() == before


def test_two_commands_at_once_mail_a_conversation_once(
    ann: User, bob: User, cee: User, publish: Write, comment: Write
) -> None:
    choose(ann, mention="mail")
    for _ in range(5):
        kwip = publish(bob)
        for writer in (bob, cee) * 3:
            comment(writer, kwip, "@ann!")
        ids = list(Notice.objects.filter(thread_id=kwip.pk, recipient=ann).values_list("pk", flat=True))
        Command.objects.all().delete()
        mailed = at_once([partial(now.mail_notices.func, [pk]) for pk in ids])
        assert sorted(mailed) == [0] * 5 + [1]
        assert addressed() == ["ann"]


def test_a_second_run_of_a_command_mails_nothing_again(
    ann: User, bob: User, publish: Write, comment: Write
) -> None:
    comment(bob, publish(ann))
    notice = Notice.objects.get()
    assert [now.mail_notices.func([notice.pk]) for _ in range(3)] == [1, 0, 0]
    assert addressed() == ["ann"]


def test_a_command_that_was_rolled_back_mails_the_same_message_when_it_runs_again(
    ann: User, bob: User, publish: Write, comment: Write
) -> None:
    comment(bob, publish(ann))
    notice, ids = Notice.objects.get(), []
    for _ in range(2):
        with transaction.atomic():
            now.mail_notices.func([notice.pk])
            ids.append(Command.objects.get(kind=Kind.MAIL).message_id)
            transaction.set_rollback(True)
    assert ids[0] == ids[1]
    assert now.mail_notices.func([notice.pk]) == 1
    assert Command.objects.get(kind=Kind.MAIL).message_id == ids[0]


def test_what_was_seen_on_the_site_is_not_mailed(
    ann: User, bob: User, publish: Write, comment: Write
) -> None:
    comment(bob, publish(ann))
    mark_seen(user=ann)
    assert mail_at_once() == 0


def test_one_that_fails_does_not_stop_the_others(
    ann: User, bob: User, cee: User, publish: Write, comment: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    for author in (ann, cee):
        comment(bob, publish(author))
    ids = list(Notice.objects.order_by("recipient").values_list("pk", flat=True))
    compose = mails.of_notice

    def fails_for_ann(notice: Notice, *more: object) -> object:
        assert notice.recipient_id != ann.pk
        return compose(notice, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(mails, "of_notice", fails_for_ann)
    with pytest.raises(RuntimeError):
        now.mail_notices.func(ids)
    assert addressed() == ["cee"]
    monkeypatch.undo()
    assert now.mail_notices.func(ids) == 1
    assert addressed() == ["ann", "cee"]


# ── In the write's transaction ───────────────────────────────────────────────────────────────────


def commands() -> list[Command]:
    return list(Command.objects.filter(task__endswith="mail_notices"))


def test_the_command_goes_with_the_transaction_that_wrote_the_notices(
    ann: User, bob: User, publish: Write, comment: Write
) -> None:
    kwip = publish(ann)
    with transaction.atomic():
        comment(bob, kwip)
        assert len(commands()) == 1
        transaction.set_rollback(True)
    assert not commands()
    choose(ann, comment="site")
    comment(bob, kwip)
    assert not commands()


def test_fifty_people_who_track_are_one_command_and_fifty_mails(ann: User, bob: User, publish: Write) -> None:
    kwip = publish(bob)
    people = [join(f"fan{number}") for number in range(50)]
    Track.objects.bulk_create(Track(kwip=kwip, user=person) for person in people)
    for person in people:
        choose(person, tracked="mail")

    def statements(thread: Kwip) -> int:
        with CaptureQueriesContext(connection) as captured:
            actions.comment(author=bob, thread=thread, text="hm", form_key=uuid.uuid4())
        return len([query for query in captured if "SAVEPOINT" not in query["sql"][:40]])

    alone = publish(bob)
    set_tracking(kwip=alone, user=ann, is_on=True)
    choose(ann, tracked="mail")
    assert statements(kwip) == statements(alone)
    assert len(commands()) == 1, "for one person who tracks"
    more = Command.objects.get(task__endswith="notify_commented")
    notify_commented.func(*(more.arguments or {})["args"])
    assert len(commands()) == 2
    assert mail_at_once() == 51
    assert len(addressed()) == 51


# ── Checked twice ────────────────────────────────────────────────────────────────────────────────


def delete(ann: User, bob: User, kwip: Kwip, made: Kwip) -> None:
    actions.delete(kwip=made)


def delete_the_thread(ann: User, bob: User, kwip: Kwip, made: Kwip) -> None:
    actions.delete(kwip=kwip)


def hide(ann: User, bob: User, kwip: Kwip, made: Kwip) -> None:
    Kwip.objects.filter(pk=made.pk).update(withheld=1)


def make_it_for_followers(ann: User, bob: User, kwip: Kwip, made: Kwip) -> None:
    for row in (kwip, made):
        Kwip.objects.filter(pk=row.pk).update(visibility=1, audience_id=kwip.author_id)


def switch_off_the_writer(ann: User, bob: User, kwip: Kwip, made: Kwip) -> None:
    accounts.switch_off(people=[bob], by=None)


def switch_off_the_reader(ann: User, bob: User, kwip: Kwip, made: Kwip) -> None:
    accounts.switch_off(people=[ann], by=None)


def block(ann: User, bob: User, kwip: Kwip, made: Kwip) -> None:
    Block.objects.create(blocker=bob, blocked=ann)


def mute(ann: User, bob: User, kwip: Kwip, made: Kwip) -> None:
    Mute.objects.create(muter=ann, muted=bob)


def choose_another_channel(ann: User, bob: User, kwip: Kwip, made: Kwip) -> None:
    choose(ann, tracked="site")


def stop_tracking(ann: User, bob: User, kwip: Kwip, made: Kwip) -> None:
    set_tracking(kwip=kwip, user=ann, is_on=False)


def see_it(ann: User, bob: User, kwip: Kwip, made: Kwip) -> None:
    mark_seen(user=ann)


def clear_it(ann: User, bob: User, kwip: Kwip, made: Kwip) -> None:
    Notice.objects.filter(recipient=ann).update(is_cleared=True)


def lose_the_address(ann: User, bob: User, kwip: Kwip, made: Kwip) -> None:
    EmailAddress.objects.filter(user=ann).update(verified=False)


CHANGES = [
    delete, delete_the_thread, hide, make_it_for_followers, switch_off_the_writer, switch_off_the_reader,
    block, mute, choose_another_channel, stop_tracking, see_it, clear_it, lose_the_address,
]  # fmt: skip

type Change = Callable[[User, User, Kwip, Kwip], None]


@pytest.fixture
def tracked(ann: User, bob: User, cee: User, publish: Write, comment: Write) -> tuple[Kwip, Kwip]:
    """A kwip of cee that ann tracks, and a comment by bob that ann is notified of by mail."""
    choose(ann, tracked="mail")
    choose(cee, comment="site")
    kwip = publish(cee)
    set_tracking(kwip=kwip, user=ann, is_on=True)
    return kwip, comment(bob, kwip)


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_since_is_not_mailed(
    ann: User, bob: User, tracked: tuple[Kwip, Kwip], change: Change
) -> None:
    change(ann, bob, *tracked)
    assert mail_at_once() == 0
    assert addressed() == []


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_while_the_message_waited_is_not_delivered(
    mail_server: Server, ann: User, bob: User, tracked: tuple[Kwip, Kwip], change: Change
) -> None:
    assert mail_at_once() == 1
    change(ann, bob, *tracked)
    work()
    assert not mail_server.accepted
    waited = Command.objects.get(kind=Kind.MAIL)
    assert (waited.state, waited.body) == (State.DISCARDED, None)


def test_without_a_change_it_is_delivered_by_a_worker(
    mail_server: Server, ann: User, tracked: tuple[Kwip, Kwip]
) -> None:
    work()
    [accepted] = mail_server.accepted
    assert accepted.rcpt_tos == ["ann@example.org"]
    assert mail_server.message_ids() == [Command.objects.get(kind=Kind.MAIL).message_id]


def test_a_fact_that_is_repeated_while_its_mail_waits_is_mailed_once(
    mail_server: Server, ann: User, bob: User
) -> None:
    """The notice has a new id by then; it stays the notice that the message is about."""
    from dataclasses import replace

    from apps.notifications.actions import _notify
    from apps.notifications.registry import KINDS, Draft

    choose(ann, follow="mail")
    graph.follow(follower=bob, followee=ann)
    assert mail_at_once() == 1
    with transaction.atomic():
        _notify(replace(KINDS["follow"], is_repeated=True), Draft([ann.pk], bob.pk))
    assert mail_at_once() == 0, "silent until ann was back"
    work()
    assert len(mail_server.accepted) == 1
    mark_seen(user=ann)
    with transaction.atomic():
        _notify(replace(KINDS["follow"], is_repeated=True), Draft([ann.pk], bob.pk))
    assert mail_at_once() == 1


def test_the_event_says_by_which_channel(ann: User, bob: User, publish: Write, comment: Write) -> None:
    heard: list[Notified] = []
    notified.within(heard.append)
    try:
        comment(bob, publish(ann), "hm")
        publish(bob, "@ann")
    finally:
        notified.subscribers_within.remove(heard.append)
    assert [(it.kind, it.channel) for event in heard for it in event.notices] == [
        ("comment", "mail"),
        ("mention", "digest"),
    ]
