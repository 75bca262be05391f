"""Digests: at the person's hour, once, bounded, and nothing if nothing happened."""

import datetime

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.commandqueue.models import Command, Kind, State
from apps.commandqueue.tests.conftest import let_time_pass, wait_for, work_until_finished
from apps.commandqueue.tests.processes import kill, worker
from apps.commandqueue.tests.smtpserver import ACCEPT_AND_HANG, Server
from apps.graph import actions as graph
from apps.kwips import actions
from apps.kwips.events import Visited, visited
from apps.kwips.models import Kwip
from apps.kwips.tracking import set_tracking
from apps.notifications import preferences
from apps.notifications.actions import mark_seen
from apps.notifications.mail import digests
from apps.notifications.mail.tests.conftest import (
    Write,
    addressed,
    choose,
    digests_are_due,
    join,
    mail_at_once,
    outgoing,
    part,
    send_digests,
)
from apps.notifications.models import Notice, Period
from apps.notifications.registry import Channel
from tests.support.concurrency import at_once, uncommitted

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_digest_has_what_waited_by_conversation_with_links(
    ann: User, bob: User, cee: User, publish: Write, comment: Write
) -> None:
    kwip = publish(bob, "who has seen the kettle?")
    made = comment(cee, kwip, "@ann had it")
    graph.follow(follower=cee, followee=ann)
    assert send_digests() == 1
    [mail] = outgoing()
    assert mail["To"] == "ann@example.org"
    assert mail["Subject"] == "cee follows you now, and one thing more"
    assert mail["List-Id"] == "<digest.localhost>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for kind in ("plain", "html"):
        for words in (
            "who has seen the kettle?",
            "@ann had it",
            "mentioned you in a comment",
            f"{settings.SITE_URL}/cee/kwip/{made.pk}/",
            f"{settings.SITE_URL}/cee/",
            f"{settings.SITE_URL}/notifications/",
            mail["List-Unsubscribe"].strip("<>"),
        ):
            assert words in part(mail, kind), (kind, words)


def test_nothing_is_sent_if_nothing_happened_or_it_was_seen_or_taken_back(
    ann: User, bob: User, cee: User, publish: Write
) -> None:
    assert send_digests() == 0
    graph.follow(follower=bob, followee=ann)
    graph.follow(follower=bob, followee=cee)
    mark_seen(user=ann)
    graph.unfollow(follower=bob, followee=cee)
    assert send_digests() == 0
    assert addressed() == []


@pytest.mark.parametrize(
    ("digest", "zone", "happened", "before", "due"),
    [
        ("daily", "UTC", "11-25 07:00", "11-25 07:59", "11-25 08:00"),
        ("daily", "UTC", "11-25 08:01", "11-26 07:59", "11-26 08:00"),
        ("daily", "Asia/Kolkata", "11-25 02:31", "11-26 02:29", "11-26 02:30"),
        ("weekly", "UTC", "11-25 07:00", "11-30 07:59", "11-30 08:00"),
        ("weekly", "America/New_York", "11-23 13:01", "11-30 12:59", "11-30 13:00"),
    ],
)
def test_it_is_sent_at_the_persons_hour_and_not_before(
    ann: User,
    bob: User,
    monkeypatch: pytest.MonkeyPatch,
    digest: str,
    zone: str,
    happened: str,
    before: str,
    due: str,
) -> None:
    def it_is(moment: str) -> datetime.datetime:
        now = datetime.datetime.fromisoformat(f"2026-{moment}").replace(tzinfo=datetime.UTC)
        monkeypatch.setattr(digests.timezone, "now", lambda: now)
        return now

    graph.follow(follower=bob, followee=ann)
    Notice.objects.update(notified_at=it_is(happened))
    preferences.change(user=ann, channels={}, digest=digest, hour=8, time_zone=zone)
    it_is(before)
    assert digests.send_due.func() == 0
    it_is(due)
    assert [digests.send_due.func() for _ in range(2)] == [1, 0]


def test_a_digest_that_was_switched_off_is_not_sent(ann: User, bob: User) -> None:
    graph.follow(follower=bob, followee=ann)
    preferences.set_digest(user=ann, period=Period.NEVER)
    assert send_digests() == 0


def test_a_conversation_that_was_mailed_is_in_no_digest_until_one_was_back(
    ann: User, bob: User, cee: User, publish: Write, comment: Write
) -> None:
    kwip = publish(ann)
    comment(bob, kwip)
    assert mail_at_once() == 1
    comment(cee, kwip, "@ann!")
    assert send_digests() == 0
    visited.emit(Visited(ann, kwip.pk))
    comment(cee, kwip, "@ann! again")
    assert send_digests() == 1
    assert send_digests() == 0
    choose(ann, mention="mail")
    comment(cee, kwip, "@ann! and again")
    assert mail_at_once() == 0, "the digest was about it"


def test_what_one_stopped_tracking_or_chose_otherwise_is_in_no_digest(
    ann: User, bob: User, cee: User, publish: Write, comment: Write
) -> None:
    kwip = publish(bob)
    comment(cee, kwip, "@ann!")
    set_tracking(kwip=kwip, user=ann, is_on=False)
    graph.follow(follower=bob, followee=ann)
    choose(ann, follow="site")
    assert send_digests() == 0
    assert set(Notice.objects.filter(recipient=ann).values_list("channel", flat=True)) == {Channel.SITE}


def test_what_may_not_be_seen_any_more_is_in_no_digest(
    ann: User, bob: User, cee: User, publish: Write, comment: Write
) -> None:
    hidden, deleted = publish(bob, "@ann hidden"), publish(bob, "@ann deleted")
    publish(cee, "@ann here")
    Kwip.objects.filter(pk=hidden.pk).update(withheld=1)
    actions.delete(kwip=deleted)
    assert send_digests() == 1
    [mail] = outgoing()
    assert "here" in part(mail)
    assert "hidden" not in part(mail)
    assert "deleted" not in part(mail)


def test_a_digest_is_bounded_whatever_happened(ann: User, bob: User, publish: Write, comment: Write) -> None:
    for number in range(30):
        kwip = publish(bob, f"@ann {number} " + "x" * 2_000)
        for place in range(7):
            comment(bob, kwip, f"@ann {number}, {place} " + "y" * 2_000)
    assert send_digests() == 1
    row = Command.objects.get(kind=Kind.MAIL)
    assert len(bytes(row.body or b"")) < 200_000
    [mail] = outgoing()
    assert len(part(mail)) < 50_000
    assert "and 239 things more" in mail["Subject"]


def test_people_are_found_in_batches_and_another_command_continues(
    bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "BATCH", 3)
    monkeypatch.setattr(digests, "MAX_DIGESTS", 6)
    people = [join(f"fan{number}") for number in range(14)]
    for person in people:
        graph.follow(follower=bob, followee=person)
    digests_are_due()
    with CaptureQueriesContext(connection) as captured:
        assert digests.send_due.func() == 6
    assert len([query for query in captured if "/* waiting.sql */" in query["sql"]]) == 2
    afters = []
    while found := Command.objects.filter(task__endswith="send_due").first():
        afters += (found.arguments or {})["args"]
        found.delete()
        digests.send_due.func(*afters[-1:])
    assert afters == [people[5].pk, people[11].pk]
    assert addressed() == sorted(person.username for person in people)


def test_commands_at_once_send_each_digest_once(bob: User) -> None:
    people = [join(f"fan{number}") for number in range(8)]
    for person in people:
        graph.follow(follower=bob, followee=person)
    digests_are_due()
    assert sum(at_once([lambda: digests.send_due.func()] * 4)) == len(people)
    assert addressed() == sorted(person.username for person in people)


def test_a_digest_that_fails_stops_no_other_and_is_sent_at_the_next_turn(
    ann: User, bob: User, cee: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for person in (ann, cee):
        graph.follow(follower=bob, followee=person)
    compose = digests.mails.of_digest

    def fails_for_ann(person_id: int, *more: object, **options: object) -> object:
        assert person_id != ann.pk
        return compose(person_id, *more, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(digests.mails, "of_digest", fails_for_ann)
    assert send_digests() == 1
    monkeypatch.undo()
    assert digests.send_due.func() == 1
    assert addressed() == ["ann", "cee"]


# ── Killed workers ───────────────────────────────────────────────────────────────────────────────


def test_a_worker_killed_in_the_middle_leaves_each_person_one_digest(mail_server: Server, bob: User) -> None:
    """It is killed while it waits for the notices of the person in the middle."""
    people = [join(f"fan{number}") for number in range(7)]
    for person in people:
        graph.follow(follower=bob, followee=person)
    digests_are_due()
    Command.objects.all().delete()
    digests.send_due.enqueue()
    middle = Notice.objects.filter(recipient=people[3])
    with worker("--queues=bulk", smtp_port=mail_server.port) as process, uncommitted():
        middle.select_for_update().get()
        wait_for(is_someone_waiting_for_a_lock, seconds=60)
        kill(process)
    assert addressed() == ["fan0", "fan1", "fan2"]
    let_time_pass()
    with worker("--once", "--queues=bulk", smtp_port=mail_server.port) as process:
        assert process.wait(60) == 0
    assert addressed() == sorted(person.username for person in people)
    assert sorted(accepted.rcpt_tos[0].partition("@")[0] for accepted in mail_server.accepted) == addressed()
    assert len(set(mail_server.message_ids())) == len(people)


def test_a_worker_killed_while_it_delivers_sends_the_same_message_again(
    mail_server: Server, ann: User, bob: User
) -> None:
    graph.follow(follower=bob, followee=ann)
    assert send_digests() == 1
    mail_server.fail("FINAL", ACCEPT_AND_HANG)
    with worker("--queues=bulk", smtp_port=mail_server.port) as process:
        assert mail_server.reached.get(timeout=60) == "FINAL"
        kill(process)
    mail_server.proceed()
    let_time_pass()
    assert work_until_finished(Command.objects.get(kind=Kind.MAIL)).state == State.DONE
    assert len(mail_server.message_ids()) == 2
    assert len(set(mail_server.message_ids())) == 1


def is_someone_waiting_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])
