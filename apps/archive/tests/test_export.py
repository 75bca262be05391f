"""An archive has all that is the person's, nothing of other people's words, and each row once."""

import json
import re
import uuid
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.apps import apps
from django.conf import settings
from django.core import mail
from django.core.management import call_command
from django.db.models import ForeignKey
from django.utils import timezone

from apps.accounts import invitations
from apps.accounts.actions import switch_off
from apps.accounts.models import ProfileLink, User
from apps.archive import erasing, exporting, files, registry, sweeping
from apps.archive.models import Export
from apps.archive.tests.conftest import exported, received, rows, zipped
from apps.contact.models import Message as Letter
from apps.graph.actions import follow, unfollow
from apps.graph.models import Block, FollowRequest, Mute, MutedConversation, MutedWord
from apps.kwips import actions, bookmarks, pins, sharing, tracking
from apps.messages import actions as messages

pytestmark = pytest.mark.django_db

DRAWN = "peach, a wink, straight, to the right, nothing"
HOSTILE = '<script>alert("1")</script> & <img src=//evil.example> \u202e {{ settings }}'


def test_each_model_of_a_person_is_in_a_section_or_left_out_with_a_reason() -> None:
    of_people = {
        model._meta.label
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey) and field.related_model is User
    }
    exported_models = {label for section in registry.SECTIONS.values() for label in section.models}
    left_out = set(registry.NOT_EXPORTED)
    assert of_people - exported_models - left_out == set()
    assert exported_models & left_out == set()
    every = {model._meta.label for model in apps.get_models(include_auto_created=True)}
    assert exported_models | left_out <= every


def test_the_documentation_is_generated() -> None:
    assert (Path(settings.BASE_DIR) / "docs" / "archive.md").read_text() == registry.documentation()


def test_everything_of_a_person_is_in_it(ann: User, bob: User, publish, comment) -> None:
    kwip = publish(ann, "one")
    actions.edit(kwip=kwip, text="two")
    secret = publish(ann, "for followers", followers_only=True)
    theirs = publish(bob, "bobs words")
    reply = comment(ann, theirs, "with milk")
    follow(follower=ann, followee=bob)
    follow(follower=bob, followee=ann)
    messages.send(sender=ann, recipient=bob, text="mine", form_key=uuid.uuid4())
    messages.send(sender=bob, recipient=ann, text="for ann", form_key=uuid.uuid4())
    actions.favourite(kwip=theirs, user=ann)
    bookmarks.bookmark(kwip=theirs, user=ann)
    sharing.share(kwip=theirs, user=ann)
    tracking.set_tracking(kwip=theirs, user=ann, is_on=True)
    cee, dee = (User.objects.create_user(name, f"{name}@example.org") for name in ("cee", "dee"))
    Block.objects.create(blocker=ann, blocked=cee)
    Mute.objects.create(muter=ann, muted=dee)
    MutedWord.objects.create(muter=ann, word="Milk", folded="milk", is_tag=False)
    MutedConversation.objects.create(muter=ann, kwip_id=theirs.pk)
    FollowRequest.objects.create(asker=ann, asked=dee)
    FollowRequest.objects.create(asker=cee, asked=ann)
    ProfileLink.objects.create(person=ann, position=0, url="https://ann.example/")
    User.objects.filter(pk=ann.pk).update(pronouns="she", location="in the kitchen", face="a1a20")
    pins.pin(kwip=kwip, user=ann)
    invitations.invite(inviter=ann, note="come!", form_key=uuid.uuid4())
    Letter.objects.create(
        form_key=uuid.uuid4(), member=ann, name="a", email="a@b.c", subject="s", text="hello"
    )

    codes = RecoveryCodes.activate(ann)

    archive = exported(ann)

    [factor] = rows(archive, "factors")
    assert (factor["kind"], factor["name"]) == ("recovery_codes", None)
    assert codes.instance.data["seed"] not in str(factor)
    site = settings.SITE_URL
    assert [(row["url"], row["text"], row["followers_only"]) for row in rows(archive, "kwips")] == [
        (f"{site}/ann/kwip/{kwip.pk}/", "two", False),
        (f"{site}/ann/kwip/{secret.pk}/", "for followers", True),
    ]
    assert [row["text"] for row in rows(archive, "revisions")] == ["one"]
    on = f"{site}/bob/kwip/{theirs.pk}/"
    assert [(row["text"], row["on"]) for row in rows(archive, "comments")] == [("with milk", on)]
    assert [(row["mine"], row["text"]) for row in rows(archive, "messages")] == [
        (True, "mine"),
        (False, "for ann"),
    ]
    names = {
        "follows": "bob", "followers": "bob", "blocks": "cee", "mutes": "dee",
        "requests": "dee", "asking": "cee",
    }  # fmt: skip
    assert {section: [row["username"] for row in rows(archive, section)] for section in names} == {
        section: [name] for section, name in names.items()
    }
    for section in ("favourites", "bookmarks", "shares", "tracks", "muted_conversations"):
        assert [(row["url"], row["author"]) for row in rows(archive, section)] == [(on, "bob")]
    assert [row["note"] for row in rows(archive, "invitations")] == ["come!"]
    assert [row["text"] for row in rows(archive, "letters")] == ["hello"]
    [profile] = rows(archive, "profile")
    assert (profile["username"], profile["email"]) == ("ann", "ann@example.org")
    assert (profile["pronouns"], profile["place"], profile["face"]) == ("she", "in the kitchen", DRAWN)
    assert (profile["links"], profile["pinned"]) == (["https://ann.example/"], f"{site}/ann/kwip/{kwip.pk}/")
    assert [row["word"] for row in rows(archive, "muted_words")] == ["Milk"]
    assert rows(archive, "notices")[0]["digest"] == "daily"
    manifest = json.loads(archive.read("archive.json"))
    assert manifest["sections"]["kwips"] == {"files": 1, "rows": 2}
    assert set(manifest["sections"]) == set(registry.SECTIONS)
    everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"bobs words" not in everything
    assert reply.pk


def test_messages_of_a_person_who_is_switched_off_are_left_out(ann: User, bob: User) -> None:
    for one, other in ((ann, bob), (bob, ann)):
        follow(follower=one, followee=other)
    messages.send(sender=ann, recipient=bob, text="mine", form_key=uuid.uuid4())
    messages.send(sender=bob, recipient=ann, text="for ann", form_key=uuid.uuid4())
    switch_off(people=[bob], by=None)
    assert [row["text"] for row in rows(exported(ann), "messages")] == ["mine"]


def test_fields_of_rows_are_those_of_the_documentation(ann: User, bob: User, publish, comment) -> None:
    test_everything_of_a_person_is_in_it(ann, bob, publish, comment)
    archive = exported(ann)
    for section in registry.SECTIONS.values():
        for row in rows(archive, section.name):
            assert list(row) == list(section.fields), section.name


def test_of_what_one_may_no_longer_see_there_is_nothing(ann: User, bob: User, publish) -> None:
    follow(follower=ann, followee=bob)
    secret = publish(bob, "for followers", followers_only=True)
    actions.favourite(kwip=secret, user=ann)
    bookmarks.bookmark(kwip=secret, user=ann)
    assert len(rows(exported(ann), "favourites")) == 1
    unfollow(follower=ann, followee=bob)
    archive = exported(ann)
    assert rows(archive, "favourites") == rows(archive, "bookmarks") == []


class _Page(HTMLParser):
    """What a page would load, and its elements."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loaded += [value or "" for name, value in attrs if name in ("src", "srcset", "data")]
        if tag == "link":
            self.loaded.append("link")


@pytest.mark.asvs("1.2.1")
def test_pages_are_escaped_and_load_nothing_from_elsewhere(ann: User, publish) -> None:
    ann.display_name = HOSTILE[:50]
    ann.save()
    publish(ann, HOSTILE)
    archive = exported(ann)
    names = [name for name in archive.namelist() if name.endswith(".html")]
    assert len(names) == len(registry.SECTIONS) + 1
    for name in names:
        page = _Page()
        page.feed(archive.read(name).decode())
        assert "script" not in page.tags, name
        assert all(not urlsplit(address).netloc for address in page.loaded), name
        assert "url(" not in archive.read(name).decode()


def test_the_pages_of_a_long_section_lead_to_each_other(ann: User, publish, monkeypatch) -> None:
    monkeypatch.setattr(exporting, "PART_ROWS", 2)
    for number in range(6):
        publish(ann, f"tea {number}")
    archive = exported(ann)
    names = set(archive.namelist())
    assert {f"kwips/000{part}.html" for part in (1, 2, 3)} <= names
    assert [row["text"] for row in rows(archive, "kwips")] == [f"tea {number}" for number in range(6)]
    links = {
        f"{name.rpartition('/')[0]}/{link}"
        for name in names
        if name.endswith(".html")
        for link in re.findall(r'href="(\d+\.html)"', archive.read(name).decode())
    }
    assert links <= names


def test_a_part_is_bounded_by_its_characters(ann: User, publish, monkeypatch) -> None:
    monkeypatch.setattr(exporting, "PART_CHARACTERS", 1_500)
    for _ in range(4):
        publish(ann, "x" * 900)
    parts = [name for name in exported(ann).namelist() if re.fullmatch(r"kwips/\d+\.json", name)]
    assert len(parts) == 2


def test_asking_again_replaces_the_archive(ann: User, django_capture_on_commit_callbacks) -> None:
    exported(ann)
    first = Export.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        again, is_new = exporting.ask(person=ann)
    assert is_new
    assert not files.archive_of(first.pk).exists()
    assert exporting.ask(person=ann) == (again, False)
    assert Export.objects.count() == 1


@pytest.mark.asvs("5.4.1", "5.4.2", "8.2.2")
def test_it_is_mailed_to_its_owner_and_for_them_alone(ann: User, bob: User, client) -> None:
    exported(ann)
    [message] = mail.outbox
    [path] = set(re.findall(r"/settings/export/\d+/", str(message.body)))
    assert message.to == ["ann@example.org"]
    assert client.get(path).headers["Location"].startswith("/accounts/login/")
    client.force_login(bob)
    assert client.get(path).status_code == 404
    client.force_login(ann)
    response = client.get(path)
    assert response["Cache-Control"] == "private, no-store"
    assert "attachment" in response["Content-Disposition"]
    assert b"".join(response.streaming_content)[:2] == b"PK"


def test_after_a_day_there_is_neither_link_nor_file(ann: User, client) -> None:
    exported(ann)
    export = Export.objects.get()
    Export.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    client.force_login(ann)
    assert client.get(f"/settings/export/{export.pk}/").status_code == 404
    assert b"fetch your archive" not in client.get("/settings/export/").content
    assert sweeping.sweep.call() == 1
    assert not files.archive_of(export.pk).exists()
    assert not Export.objects.exists()


def test_the_sweep_deletes_no_file_that_is_needed(ann: User) -> None:
    exported(ann)
    assert sweeping.sweep.call() == 0
    assert files.archive_of(Export.objects.get().pk).exists()


def test_the_eraser_deletes_archive_upload_and_rows_at_once(ann: User, bob: User) -> None:
    upload = received(ann, zipped({"follows": [{"username": "bob"}]}))
    exported(ann)
    exported(bob)
    his = Export.objects.get(person=bob)
    assert erasing.erase_archives(ann.pk, 100) == 2
    assert erasing.erase_archives(ann.pk, 100) == 0
    assert not files.upload_of(upload.pk).exists()
    assert [path.name for path in files.archive_of(his.pk).parent.iterdir()] == [f"{his.pk}.zip"]


def test_of_a_deleted_person_no_file_is_left(ann: User, bob: User) -> None:
    exported(ann)
    exporting.ask(person=bob)
    exporting.make.call(Export.objects.get(person=bob).pk)
    ann.delete()
    assert sweeping.sweep.call() == 1
    assert [path.name for path in (files.archive_of(1).parent).iterdir()] == [
        f"{Export.objects.get().pk}.zip"
    ]


def test_work_whose_command_is_lost_is_enqueued_again_and_then_fails(ann: User, client) -> None:
    export, _ = exporting.ask(person=ann)
    for retries in (1, 2):
        Export.objects.update(moved_at=timezone.now() - timedelta(hours=2))
        sweeping.sweep.call()
        export.refresh_from_db()
        assert (export.state, export.retries) == (Export.State.MAKING, retries)
    Export.objects.update(moved_at=timezone.now() - timedelta(hours=2))
    sweeping.sweep.call()
    client.force_login(ann)
    assert b"try it once more" in client.get("/settings/export/").content


def test_a_second_command_for_the_same_part_adds_nothing(ann: User, publish, monkeypatch) -> None:
    monkeypatch.setattr(exporting, "PART_ROWS", 2)
    for number in range(4):
        publish(ann, f"tea {number}")
    export, _ = exporting.ask(person=ann)
    stale = Export.objects.get()
    exporting.make.call(export.pk)
    section = registry.SECTIONS[stale.section]
    assert not exporting._record(stale, section, exporting._read(section, stale))
    while Export.objects.get().state == Export.State.MAKING:
        exporting.make.call(export.pk)
    assert Export.objects.get().made["kwips"][1] == 4
    assert len(mail.outbox) == 1


def test_the_page_shows_progress_and_refuses_a_third_archive_a_day(ann: User, client) -> None:
    client.force_login(ann)
    assert client.post("/settings/export/").status_code == 302
    assert client.post("/settings/export/").status_code == 302  # in the making: counts once
    page = client.get("/settings/export/").content.decode()
    assert "<progress" in page
    assert "data-refresh" in page
    exporting.make.call(Export.objects.get().pk)
    assert "fetch your archive" in client.get("/settings/export/").content.decode()
    assert client.post("/settings/export/").status_code == 302
    exporting.make.call(Export.objects.get().pk)
    assert client.post("/settings/export/").status_code == 429


def test_the_command_writes_the_documentation(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("archivedocs")
    assert capsys.readouterr().out == registry.documentation()


def test_queries_grow_with_the_batches_alone(ann: User, publish, django_assert_max_num_queries) -> None:
    for number in range(30):
        publish(ann, f"tea {number}")
    export, _ = exporting.ask(person=ann)
    with django_assert_max_num_queries(5 * len(registry.SECTIONS) + 20):
        exporting.make.call(export.pk)
