"""An import does what the file says, once, within limits, and says what it could not do."""

import io
import json
import uuid
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from apps.accounts.models import User
from apps.archive import files, importing, reading, sweeping
from apps.archive.models import Import
from apps.archive.tests.conftest import exported, imported, received, rows, zipped
from apps.graph.actions import follow
from apps.graph.models import Block, Follow, Mute
from apps.kwips import actions
from apps.kwips.models import TEXT_LIMIT, Kwip

pytestmark = pytest.mark.django_db

OLD = "2019-05-01T12:00:00+00:00"
FOLLOWS = b"Account address,Show boosts,Notify on new posts,Languages\nbob@localhost:8000,true,false,\n"


def kwip(text: str = "old", **values: object) -> dict[str, object]:
    return {"text": text, "key": str(uuid.uuid4()), "created_at": OLD, "followers_only": False} | values


def names(person: User) -> set[str]:
    return set(Follow.objects.filter(follower=person).values_list("followee__username", flat=True))


def test_an_archive_of_another_account_brings_its_kwips(ann: User, bob: User, publish) -> None:
    for number in range(3):
        publish(ann, f"tea {number}", followers_only=number == 1)
    archive = exported(ann)
    before = rows(archive, "kwips")
    data = archive.fp.getvalue()  # type: ignore[union-attr]
    done = imported(bob, data)
    assert done.outcomes["kwips"] == {"done": 3}
    assert not files.upload_of(done.pk).exists()
    mine = Kwip.objects.filter(author=bob).order_by("pk")
    assert [(kwip.text, kwip.created_at.isoformat(), kwip.followers_only) for kwip in mine] == [
        (row["text"], row["created_at"], row["followers_only"]) for row in before
    ]
    assert imported(bob, data).outcomes["kwips"] == {"already": 3}
    # One's own archive in one's own account: all is there already.
    assert imported(ann, data).outcomes["kwips"] == {"already": 3}


def test_it_follows_blocks_and_mutes_those_who_are_here(ann: User, bob: User) -> None:
    cee, dee = (User.objects.create_user(name, f"{name}@example.org") for name in ("cee", "dee"))
    follow(follower=dee, followee=ann)
    people: dict[str, object] = {
        section: [{"username": name, "since": OLD}, {"username": "ghost", "since": OLD}]
        for section, name in {"follows": "bob", "blocks": "dee", "mutes": "cee"}.items()
    }
    data = zipped(people)
    done = imported(ann, data)
    once = {section: {"done": 1, "unknown": 1} for section in people}
    assert (done.found, done.outcomes) == (dict.fromkeys(people, 2), once)
    assert done.problems == [[section, "ghost@localhost:8000", "unknown"] for section in people]
    again = imported(ann, data).outcomes
    assert again == {section: {"already": 1, "unknown": 1} for section in people}
    assert names(ann) == {"bob"}
    bob.refresh_from_db()
    assert bob.followers_count == 1
    assert Block.objects.filter(blocker=ann, blocked=dee).count() == 1
    assert not Follow.objects.filter(follower=dee).exists()
    assert Mute.objects.filter(muter=ann, muted=cee).count() == 1


def test_a_name_of_another_site_is_no_name_here(ann: User, bob: User) -> None:
    data = zipped({"follows": [{"username": "bob"}]}, site="https://elsewhere.example")
    assert imported(ann, data).outcomes == {"follows": {"elsewhere": 1}}
    assert names(ann) == set()


def test_mastodons_lists(ann: User, bob: User) -> None:
    for name in ("cee", "dee"):
        User.objects.create_user(name, f"{name}@example.org")
    lines = FOLLOWS + b"@cee\nann@localhost\nnobody@localhost\nx@mastodon.example\n<>,\n\n"
    assert imported(ann, lines, "follows").outcomes["follows"] == {
        "done": 2, "elsewhere": 1, "unknown": 1, "unreadable": 1, "yourself": 1,
    }  # fmt: skip
    assert names(ann) == {"bob", "cee"}
    imported(ann, b"\xef\xbb\xbfAccount address,Hide notifications\ndee@localhost,true\n", "mutes")
    assert Mute.objects.filter(muter=ann).count() == 1
    imported(ann, b"cee@localhost\n", "blocks")
    assert names(ann) == {"bob"}


def test_a_blocked_person_is_not_followed_and_the_limit_holds(ann: User, bob: User, monkeypatch) -> None:
    Block.objects.create(blocker=bob, blocked=ann)
    assert imported(ann, FOLLOWS, "follows").outcomes == {"follows": {"unknown": 1}}
    monkeypatch.setattr("apps.graph.actions.FOLLOWING_LIMIT", 0)
    Block.objects.all().delete()
    assert imported(ann, FOLLOWS, "follows").outcomes == {"follows": {"too_many": 1}}


@pytest.mark.asvs("2.3.1")
def test_nothing_is_done_before_the_person_has_seen_what_is_in_it(ann: User, bob: User, client) -> None:
    client.force_login(ann)
    upload = {"kind": "follows", "file": SimpleUploadedFile("following_accounts.csv", FOLLOWS)}
    assert client.post("/settings/import/upload/", upload).status_code == 302
    made = Import.objects.get()
    assert "data-refresh" in client.get("/settings/import/").content.decode()
    importing.check.call(made.pk)
    page = client.get("/settings/import/").content.decode()
    assert "import all of it" in page
    assert names(ann) == set()
    assert client.post("/settings/import/apply/").status_code == 302
    importing.apply.call(made.pk)
    assert names(ann) == {"bob"}
    assert "done 1" in client.get("/settings/import/").content.decode()
    assert client.post("/settings/import/apply/").status_code == 302
    assert Import.objects.get().state == Import.State.DONE


def test_a_bad_upload_is_refused_by_the_form(ann: User, client, monkeypatch) -> None:
    client.force_login(ann)
    monkeypatch.setattr("apps.archive.forms.UPLOAD_BYTES", 10)
    for file in (None, SimpleUploadedFile("x", b""), SimpleUploadedFile("x", b"x" * 11)):
        data = {"kind": "archive", **({"file": file} if file else {})}
        assert client.post("/settings/import/upload/", data).status_code == 422
    upload = {"kind": "letters", "file": SimpleUploadedFile("x", b"x")}
    assert client.post("/settings/import/upload/", upload).status_code == 422
    assert not Import.objects.exists()


def test_one_import_at_a_time_and_ten_a_day(ann: User, client) -> None:
    client.force_login(ann)

    def upload() -> int:
        data = {"kind": "archive", "file": SimpleUploadedFile("x", b"no zip")}
        return int(client.post("/settings/import/upload/", data).status_code)

    assert upload() == 302
    assert upload() == 409
    for _ in range(9):
        importing.check.call(Import.objects.get().pk)
        assert upload() == 302
    importing.check.call(Import.objects.get().pk)
    assert upload() == 429


UNREADABLE: dict[str, object] = {
    "no object": 7,
    "no text": kwip(text=None),  # type: ignore[arg-type]
    "an empty text": kwip(" \n"),
    "NUL": kwip("a\0b"),
    "a lone surrogate": kwip("\ud800"),
    "too long": kwip("x" * (TEXT_LIMIT + 1)),
    "no key": kwip(key="7"),
    "a key that is a number": kwip(key=7),
    "no time": kwip(created_at="yesterday"),
    "a time that does not exist": kwip(created_at="2019-02-31T12:00:00+00:00"),
    "a time without an offset": kwip(created_at="2019-05-01T12:00:00"),
    "the future": kwip(created_at="2099-05-01T12:00:00+00:00"),
    "before there were kwips": kwip(created_at="0001-01-01T00:00:00+23:59"),
    "a time as a number": kwip(created_at=10**400),
}


def test_a_row_that_cannot_be_read_is_counted_and_left_out(ann: User, monkeypatch) -> None:
    huge = 10**400
    data = zipped({"kwips": [*UNREADABLE.values(), kwip(extra=[huge]), kwip(followers_only="?")]})
    done = imported(ann, data)
    assert done.outcomes["kwips"] == {"unreadable": len(UNREADABLE), "done": 2}
    # What is not clearly for everyone is for followers.
    assert sorted(kwip.followers_only for kwip in Kwip.objects.all()) == [False, True]


def test_markup_in_an_archive_stays_text(ann: User, client) -> None:
    imported(ann, zipped({"kwips": [kwip("<script>alert(1)</script>")]}))
    assert b"<script>alert" not in client.get(f"/ann/kwip/{Kwip.objects.get().pk}/").content


def members(*files_: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files_:
            archive.writestr(name, data)
    return buffer.getvalue()


MANIFEST = ("archive.json", json.dumps({"format": "kwippy archive", "version": 1, "site": "x"}).encode())


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("kwips/0001.json")
    info.external_attr = 0o120777 << 16
    return info


def lying() -> bytes:
    """A zip whose list says that a file is small: it is unpacked to more."""
    data = bytearray(members(MANIFEST, ("kwips/0001.json", b" " * (reading.FILE_BYTES + 9))))
    place = data.rindex(b"PK\1\2")
    data[place + 24 : place + 28] = (100).to_bytes(4, "little")
    return bytes(data)


def locked() -> bytes:
    data = bytearray(members(MANIFEST))
    for sign, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.rindex(sign) + offset] |= 1
    return bytes(data)


def zip64() -> bytes:
    data = members(MANIFEST)
    place = data.rindex(b"PK\5\6")
    return data[:place] + b"PK\6\7" + bytes(16) + data[place:]


NESTED = b'{"section": "kwips", "rows": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
HOSTILE: dict[str, bytes] = {
    "nothing of a zip": b"hello",
    "an end alone": b"PK\5\6" + bytes(18),
    "a bomb": members(MANIFEST, ("kwips/0001.json", b" " * 50_000_000)),
    "a bomb that lies": lying(),
    "a bomb beside": members(MANIFEST, ("other/thing.bin", bytes(50_000_000))),
    "a path upwards": members(MANIFEST, ("../../etc/passwd", b"x")),
    "an absolute path": members(MANIFEST, ("/etc/passwd", b"x")),
    "a path of windows": members(MANIFEST, ("..\\..\\x", b"x")),
    "a drive": members(MANIFEST, ("c:/x", b"x")),
    "a link": members(MANIFEST, (link(), b"/etc/passwd")),
    "a password": locked(),
    "zip64": zip64(),
    "no manifest": members(("kwips/0001.json", b"{}")),
    "a manifest of something else": members(("archive.json", b'{"format": "other"}')),
    "a later version": members(("archive.json", b'{"format": "kwippy archive", "version": 2}')),
    "no JSON": members(MANIFEST, ("kwips/0001.json", b"{")),
    "nested JSON": members(MANIFEST, ("kwips/0001.json", NESTED)),
    "a huge number": members(MANIFEST, ("kwips/0001.json", b'{"rows": ' + b"9" * 10_000 + b"}")),
    "UTF-16": members(MANIFEST, ("kwips/0001.json", '{"rows": []}'.encode("utf-16"))),
    "a list in place of an object": members(MANIFEST, ("kwips/0001.json", b"[]")),
    "a section of another name": members(MANIFEST, ("kwips/0001.json", b'{"section":"x","rows":[]}')),
    "cut": members(MANIFEST)[:60] + members(MANIFEST)[-30:],
}


@pytest.mark.asvs("5.2.2", "5.2.3")
@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_archive_is_refused_with_a_reason(ann: User, data: bytes, client) -> None:
    made = received(ann, data)
    assert made.state == Import.State.FAILED
    assert made.refusal
    assert not files.upload_of(made.pk).exists()
    client.force_login(ann)
    assert 'role="alert"' in client.get("/settings/import/").content.decode()


class Endless(io.BytesIO):
    """A file that has as much as is asked for."""

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert size > 0
        return b" " * size


@pytest.mark.asvs("5.2.3")
def test_no_more_of_a_file_is_unpacked_than_its_limit() -> None:
    with pytest.raises(reading.Refused):
        reading._read(Endless())


LISTS: dict[str, bytes] = {
    "UTF-16": "bob@localhost\n".encode("utf-16"),
    "latin-1": "bób@localhost\n".encode("latin-1"),
    "a field without an end": b'"' + b"x" * 200_000,
}


@pytest.mark.parametrize("data", LISTS.values(), ids=LISTS.keys())
def test_a_list_that_cannot_be_read_is_refused(ann: User, data: bytes) -> None:
    assert received(ann, data, "follows").state == Import.State.FAILED


def test_a_list_with_nul_and_an_archive_as_a_list_do_no_harm(ann: User) -> None:
    for data in (b"bob\0@localhost\n", members(MANIFEST)):
        assert received(ann, data, "follows").state in (Import.State.FAILED, Import.State.CHECKED)


def test_rows_files_and_bytes_are_limited(ann: User, monkeypatch) -> None:
    data = zipped({"kwips": [kwip() for _ in range(5)]})
    for name, value in (("ROWS", 4), ("FILES", 1), ("DIRECTORY_BYTES", 50), ("UNPACKED_BYTES", 200)):
        with monkeypatch.context() as patched:
            patched.setattr(reading, name, value)
            assert received(ann, data).state == Import.State.FAILED, name
    assert received(ann, data).found == {"kwips": 5}


def test_problems_are_limited(ann: User, monkeypatch) -> None:
    monkeypatch.setattr(importing, "PROBLEMS", 3)
    done = imported(ann, b"".join(b"ghost%d@localhost\n" % number for number in range(5)), "follows")
    assert (len(done.problems), done.outcomes) == (3, {"follows": {"unknown": 5}})


def test_after_thirty_days_the_result_is_deleted(ann: User) -> None:
    imported(ann, zipped({"follows": [{"username": "who"}]}))
    Import.objects.update(moved_at=timezone.now() - timedelta(days=29))
    sweeping.sweep.call()
    assert len(Import.objects.get().problems) == 1
    Import.objects.update(moved_at=timezone.now() - timedelta(days=30))
    sweeping.sweep.call()
    assert not Import.objects.exists()


def test_a_full_account_says_so(ann: User, monkeypatch) -> None:
    monkeypatch.setattr("apps.kwips.importing.MOST", 1)
    assert imported(ann, zipped({"kwips": [kwip(), kwip()]})).outcomes["kwips"] == {"too_many": 2}


def test_a_command_hands_over_after_its_rows_and_none_does_a_row_twice(ann: User, monkeypatch) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    made = received(ann, zipped({"kwips": [kwip() for _ in range(5)]}))
    importing.go_on(person=ann)
    importing.apply.call(made.pk)
    made.refresh_from_db()
    assert made.position == 2
    stale: Any = Import.objects.get()
    importing.apply.call(made.pk)
    assert not importing._apply(stale, ann, [reading.Item("kwips", kwip())])
    importing.apply.call(made.pk)
    importing.apply.call(made.pk)
    made.refresh_from_db()
    assert (made.state, made.outcomes) == (Import.State.DONE, {"kwips": {"done": 5}})
    assert Kwip.objects.count() == 5


def test_a_deleted_kwip_does_not_come_back(ann: User, bob: User) -> None:
    data = zipped({"kwips": [kwip()]})
    imported(ann, data)
    actions.delete(kwip=Kwip.objects.get())
    assert imported(ann, data).outcomes["kwips"] == {"already": 1}
    assert imported(bob, data).outcomes["kwips"] == {"done": 1}
