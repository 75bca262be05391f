"""A deleted person is gone from every table, file, cache and page; the counters of others are exact."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.admin.models import LogEntry
from django.core.mail import EmailMessage
from django.db import transaction
from django.test import Client
from django.utils import timezone

from apps import lookaside
from apps.accounts import erasing, leaving, names, sessions
from apps.accounts.keys import session_key, user_key
from apps.accounts.models import Leaving, User
from apps.commandqueue.core.worker import Worker
from apps.commandqueue.models import Command, Schedule, State
from apps.commandqueue.tests.conftest import TORTURE, let_time_pass, wait_for
from apps.commandqueue.tests.processes import kill, worker
from apps.feeds.keys import network_first_page
from apps.feeds.sitemaps import RANGE
from apps.graph.actions import follow
from apps.kwips.models import Favourite, Kwip, Mention, Tombstone
from apps.messages.models import Report as EarlierReport
from apps.moderation.models import Action, Note, Report
from tests.invalidation.scenario import get, site, write
from tests.pages.deleted_person import CANARY, NUMBER, Person, found_in_tables, recounted, unreferred
from tests.support.people import PASSWORD, member

pytestmark = pytest.mark.django_db(transaction=True)
QUEUED = {
    "default": {
        "BACKEND": "apps.commandqueue.mail.backend.QueueEmailBackend",
        "OPTIONS": {"mailer": "direct"},
    },
    "direct": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"},
}


@pytest.fixture
def no_schedule(settings: Any) -> None:
    settings.TASKS = {"default": {"BACKEND": "apps.commandqueue.tasks.backend.QueueTaskBackend"}}


@pytest.fixture
def person(settings: Any, no_schedule: None, tmp_path: Path) -> Person:
    settings.MAILERS = QUEUED
    settings.ARCHIVE_ROOT = str(tmp_path / "archives")
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return Person()


def files() -> list[Path]:
    folders = (django_settings.MEDIA_ROOT, django_settings.ARCHIVE_ROOT)
    found = (path for folder in folders for path in Path(folder).rglob("*"))
    return [path for path in found if path.is_file() and path.stat().st_size]


def its_time_comes() -> None:
    """What was enqueued has run, and the days to come back are over."""
    Worker(once=True).run()
    Leaving.objects.update(due_at=timezone.now())


class Pages:
    """Pages for anyone, through the page cache, and for bob."""

    def __init__(self, person: Person) -> None:
        self.anyone, self.bob = site(), Client()
        self.bob.force_login(person.bob)
        kwips = f"/{CANARY}/kwip/{person.kwips[0].pk}/"
        of_person = ("", "feed.atom", "followers/", "following/", "favourites/", "comments/", "shares/")
        self.theirs = [
            *(f"/{CANARY}/{page}" for page in of_person), f"/{CANARY}_old/", kwips, f"{kwips}history/",
            f"/sitemap-people-{NUMBER // RANGE}.xml",
            f"/messages/{CANARY}/",  # for members
        ]  # fmt: skip
        self.others = [
            "/", "/everyone/", "/everyone/feed.atom", "/tag/tea/", "/tag/tea/feed.atom", "/sitemap.xml",
            "/messages/", "/notifications/", "/bookmarks/", "/search/?q=edited",
            "/invitations/", "/people/", "/people/active/", "/people/network/", "/tags/",
            *(f"/bob/{page}" for page in of_person), f"/bob/kwip/{person.bobs.pk}/",
            f"/cee/kwip/{person.mention.pk}/", "/cee/favourites/",
        ]  # fmt: skip

    def read(self, paths: list[str]) -> dict[str, tuple[int, str]]:
        """Status and body of each, for both."""
        read = {}
        for path in paths:
            cached, own = get(self.anyone, path, warm=True), self.bob.get(path)
            body = gzip.decompress(cached.body) if cached.body[:2] == b"\x1f\x8b" else cached.body
            read[f"anyone {path}"] = int(str(cached.status).split()[0]), body.decode()
            read[f"bob {path}"] = own.status_code, own.content.decode()
        return read


@pytest.mark.usefixtures("memcached")
def test_nothing_is_left_of_a_person_who_did_everything(person: Person, caplog) -> None:
    assert unreferred() == {"accounts.Leaving.user"}, "`Person` does not use each model that refers to people"
    pages = Pages(person)
    pages.read(pages.theirs + pages.others)
    shown = pages.read(pages.theirs + pages.others)
    assert sum(CANARY in body for _, body in shown.values()) > 40
    before = found_in_tables()
    assert len(before) > 60, sorted(before)
    assert len(files()) == 9, "six of three pictures, a preview, the archive and the upload"
    session = person.browser.cookies[django_settings.SESSION_COOKIE_NAME].value
    assert person.browser.post("/settings/leave/", {"password": PASSWORD}).status_code == 302
    its_time_comes()
    with caplog.at_level("INFO"):
        while Leaving.objects.exists():
            erasing.erase_due.call()
    entries = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    assert [e["person_id"] for e in entries if e["event"] == "account deleted"] == [NUMBER]

    left = found_in_tables()
    # What others wrote in kwips of their own.
    assert sorted(left.pop("kwips_kwip.text")) == sorted([person.bobs.text, person.mention.text])
    assert len(left.pop("search_entry.words")) == 2, "the words of these"
    # The audit log is append-only, and has no other trace of a person than the id.
    assert len(left.pop("moderation_action.person_id")) == len(left.pop("moderation_action.actor_id")) == 1
    # So is the security log, for 90 days: of them, and what they did as a moderator.
    assert left.pop("securitylog_entry.user_id")
    assert left.pop("securitylog_entry.by_id")
    assert left == {}
    assert files() == []
    recounted()
    schemas = {
        user_key(NUMBER): User.cached_schema(),
        session_key(session): sessions._SCHEMA,
        network_first_page(NUMBER): 1,
    }
    for key, schema in schemas.items():
        assert lookaside.cache().get_or_compute(key, lambda: None, schema=schema) is None, key
    for path, (status, body) in pages.read(pages.others).items():
        assert status == shown[path][0], path
        assert CANARY not in body.replace(f"@{CANARY}", ""), path
    assert {status for path, (status, _) in pages.read(pages.theirs).items() if "messages" not in path} == {
        404
    }
    # What is about others stays.
    assert Command.objects.filter(kind="mail", recipients=["cee@example.org"]).count() == 1
    assert LogEntry.objects.filter(user=person.opera).count() == 3
    assert EarlierReport.objects.get().reporter is None
    reports = Report.objects.values_list("case__person__username", "reporter__username", "words")
    assert sorted(reports, key=str) == [("bob", None, ""), ("bob", None, ""), ("cee", "bob", "hm")]
    assert [note.text for note in Note.objects.order_by("pk")] == ["hm", "what … (…/) said"]
    assert Action.objects.count() == 3
    assert all(names.is_taken(name) for name in (CANARY, f"{CANARY}_old"))


@pytest.mark.usefixtures("memcached", "no_schedule")
def test_a_card_of_the_time_before_does_not_link_to_the_person_again() -> None:
    """Deleted at once, while the card with the link is still in the cache."""
    ann, bob = member("ann"), member("bob")
    kwip = write(bob, "as @ann says")
    address = f"/bob/kwip/{kwip.pk}/"
    assert 'href="/ann/"' in Client().get(address).content.decode()
    leaving.delete_at_once(person=ann)
    assert 'href="/ann/"' not in Client().get(address).content.decode()
    Worker(once=True).run()
    assert not User.objects.filter(pk=ann.pk).exists()
    page = Client().get(address).content.decode()
    assert "@ann" in page
    assert 'href="/ann/"' not in page


@pytest.mark.usefixtures("no_schedule")
def test_a_command_in_use_postpones_the_end_and_loses_no_mail_of_others(settings: Any) -> None:
    settings.MAILERS = QUEUED
    ann, _bob = member("ann"), member("bob")
    EmailMessage("tea?", "the word ann alone", "a@example.org", ["bob@example.org"]).send()
    EmailMessage("tea?", "hi", "a@example.org", ["ann@example.org"]).send()
    Command.objects.filter(recipients=["ann@example.org"]).update(state=State.LEASED)
    leaving.leave(user=ann)
    Command.objects.filter(kind="task").delete()
    Leaving.objects.update(due_at=timezone.now())
    erasing.erase_due.call()
    assert User.objects.filter(pk=ann.pk).exists()
    Command.objects.filter(state=State.LEASED).update(state=State.DONE)
    erasing.erase_due.call()
    assert not User.objects.filter(pk=ann.pk).exists()
    assert [command.recipients for command in Command.objects.all()] == [["bob@example.org"]]


@pytest.mark.usefixtures("no_schedule")
def test_one_person_who_cannot_be_deleted_keeps_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    ann, bob = member("ann"), member("bob")
    for person in (ann, bob):
        leaving.leave(user=person)
    Command.objects.all().delete()
    Leaving.objects.update(due_at=timezone.now())
    erase = erasing._erase_references

    def fails_for_ann(person_id: int, limit: int) -> int:
        if person_id == ann.pk:
            raise ConnectionError
        return erase(person_id, limit)

    patched = [e._replace(erase=fails_for_ann) if e.erase == erase else e for e in erasing._erasers]
    monkeypatch.setattr(erasing, "_erasers", patched)
    with pytest.raises(ConnectionError):
        erasing.erase_due.call()
    assert list(User.objects.values_list("username", flat=True)) == ["ann"]
    monkeypatch.undo()
    erasing.erase_due.call()
    assert not User.objects.exists()


def a_long_life(number: int) -> User:
    """A person with so many kwips, of which bob commented and favourited each tenth, and a follower."""
    ann, bob = member("ann"), member("bob")
    made = Kwip.objects.bulk_create(Kwip(author=ann, text=f"tea {n}") for n in range(number))
    tenth = made[::10]
    his = Kwip.objects.bulk_create(
        Kwip(author=bob, text=f"milk {n}", favourites_count=1) for n in range(len(tenth))
    )
    Kwip.objects.bulk_create(Kwip(author=bob, thread=kwip, text="hm") for kwip in tenth)
    Favourite.objects.bulk_create(Favourite(user=bob, kwip=kwip) for kwip in tenth)
    Favourite.objects.bulk_create(Favourite(user=ann, kwip=kwip) for kwip in his)
    Mention.objects.bulk_create(Mention(user=ann, kwip=kwip) for kwip in his)
    Kwip.objects.filter(pk__in=[kwip.pk for kwip in tenth]).update(comments_count=1, favourites_count=1)
    User.objects.filter(pk=ann.pk).update(kwips_count=number, favourites_count=len(his))
    some = {"comments_count": len(tenth), "favourites_count": len(tenth), "kwips_count": len(his)}
    User.objects.filter(pk=bob.pk).update(**some)
    follow(follower=bob, followee=ann)
    return ann


def test_a_deletion_that_is_killed_three_times_is_complete_and_done_once() -> None:
    number = 10_000 if TORTURE else 1_000
    ann = a_long_life(number)
    recounted()
    ids = list(Kwip.objects.filter(author=ann).order_by("pk").values_list("pk", flat=True))
    leaving.delete_at_once(person=ann)
    for part in (1, 2, 3):
        at = part * number // 4 + 50
        with transaction.atomic():
            # The batch with this one waits for the lock, and is killed.
            Kwip.objects.select_for_update().get(pk=ids[at])
            with worker("--queues=bulk") as process:
                wait_for(Tombstone.objects.filter(kwip_id=ids[at // 100 * 100 - 1]).all().exists)
                kill(process)
        let_time_pass()
        assert Kwip.objects.filter(author=ann).count() == number - at // 100 * 100
        recounted()
    # Three lost attempts in a row end a command. The schedule enqueues another one.
    Schedule.objects.update(next_at=timezone.now())
    with worker("--queues=now,bulk"):
        wait_for(lambda: not User.objects.filter(pk=ann.pk).exists(), seconds=120 if TORTURE else 30)
    recounted()
    assert set(Kwip.objects.values_list("author__username", flat=True)) == {"bob"}
    assert Kwip.objects.filter(version=2).count() == 0
    assert (Tombstone.objects.count(), Favourite.objects.count(), Mention.objects.count()) == (
        number // 10,
        0,
        0,
    )
    assert not Leaving.objects.exists()
    assert names.ReservedName.objects.count() == 1
