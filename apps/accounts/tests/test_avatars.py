"""Profile and header pictures: the settings page, the person's page, deletion; `apps.pictures` decodes."""

import fcntl
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from PIL import Image

from apps import limits
from apps.accounts import actions, avatars, erasers
from apps.accounts.models import User
from apps.pictures import actions as pictures
from apps.pictures import decoding, files, sweeping
from apps.pictures.models import Picture, Shape


def picture(kind: str = "JPEG", size: tuple[int, int] = (600, 300)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "#bbd26c").save(out, kind)
    return out.getvalue()


def upload(content: bytes, name: str = "me.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="image/jpeg")


def uploaded(owner: User, shape: Shape = Shape.SQUARE) -> Picture:
    return pictures.upload(owner=owner, file=upload(picture()), shape=shape)


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the squares. A machine that runs tests is busy, so decoding has time."""
    monkeypatch.setattr(decoding, "WALL_SECONDS", 60.0)
    settings.MEDIA_ROOT = tmp_path
    return tmp_path / "avatars"


@pytest.fixture(autouse=True)
def _committed(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for the commit is done at once: the transaction of a test has none."""
    monkeypatch.setattr("django.db.transaction.on_commit", lambda work, **_options: work())


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann", "ann@example.org", "a long password")


def test_a_new_picture_replaces_the_old_file_and_moves_the_version(ann: User, media: Path) -> None:
    for number in (2, 3):
        new = uploaded(ann)
        actions.change_picture(user=ann, picture=new)
        ann.refresh_from_db()
        assert [path.name for path in media.iterdir()] == [ann.avatar] == [f"{new.name}.webp"]
        assert ann.version == number
    actions.change_picture(user=ann, picture=None)
    ann.refresh_from_db()
    assert (ann.avatar, list(media.iterdir()), Picture.objects.count()) == ("", [], 0)


@pytest.fixture
def old(ann: User, media: Path) -> Path:
    """A picture from before `apps.pictures`: a file without a row there."""
    media.mkdir()
    old = media / f"{'0123456789abcdef' * 2}.webp"
    old.write_bytes(b"RIFF")
    User.objects.filter(pk=ann.pk).update(picture=old.name)
    ann.refresh_from_db()
    return old


def test_a_picture_of_an_old_release_stays_where_it_is(ann: User, old: Path, client: Client) -> None:
    sweeping.strays(files.SQUARES)
    assert f"/media/avatars/{old.name}" in client.get("/ann/").content.decode()
    assert client.get(f"/media/avatars/{old.name}").status_code == 200
    assert dict(avatars.of(ann)) == {"picture.webp": b"RIFF"}
    actions.change_picture(user=ann, picture=uploaded(ann))
    assert not old.exists()


def test_a_person_who_leaves_takes_their_pictures_along(ann: User, old: Path, media: Path) -> None:
    actions.change_header_picture(user=ann, picture=uploaded(ann, Shape.WIDE))
    uploaded(ann, Shape.WHOLE)
    while erasers.erase_pictures(ann.pk, 1):
        pass
    assert list(media.parent.rglob("*.webp")) == []
    ann.refresh_from_db()
    assert (ann.picture, ann.header_picture, Picture.objects.count()) == ("", "", 0)


@pytest.mark.django_db(transaction=True)
def test_no_transaction_waits_for_the_storage_while_a_person_is_erased(
    ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploaded(ann, Shape.WHOLE)
    in_transaction = []
    monkeypatch.setattr(files, "remove", lambda *_given: in_transaction.append(connection.in_atomic_block))
    assert erasers.erase_pictures(ann.pk, 100) == 1
    assert in_transaction == [False]


def test_a_full_disk_is_said_and_leaves_the_old_picture(
    ann: User, old: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_given: object) -> None:
        raise OSError(28, "no space left")

    client.force_login(ann)
    monkeypatch.setattr(files, "write", full)
    answer = client.post("/settings/picture/", {"picture": upload(picture())})
    assert answer.status_code == 422
    assert "try again later" in answer.content.decode()
    ann.refresh_from_db()
    assert (ann.picture, old.exists()) == (old.name, True)


def test_the_header_is_shown_on_the_persons_page_and_taken_away(
    ann: User, media: Path, client: Client
) -> None:
    client.force_login(ann)
    assert client.post("/settings/header/", {"header": upload(picture(size=(1600, 900)))}).status_code == 302
    ann.refresh_from_db()
    for path in ("/ann/", "/settings/"):
        page = client.get(path).content.decode()
        assert f"/media/{files.path(ann.header_picture, 'wide')} 1500w" in page
    shown = Image.open(media.parent / files.path(ann.header_picture, "wide"))
    assert shown.size == (1500, 500)
    assert set(dict(avatars.of(ann))) == {"header.webp"}
    client.post("/settings/header/remove/")
    ann.refresh_from_db()
    assert ann.header_picture == ""
    assert "/media/" not in client.get("/ann/").content.decode()
    assert list(media.parent.rglob("*.webp")) == []


def test_a_header_that_is_no_picture_is_refused(ann: User, client: Client) -> None:
    client.force_login(ann)
    answer = client.post("/settings/header/", {"header": upload(b"<svg/>", "me.svg")})
    assert answer.status_code == 422
    assert "no picture we can read" in answer.content.decode()
    assert client.get("/settings/header/").status_code == 302


def test_the_settings_page_takes_a_picture_and_says_what_is_wrong_with_another(
    ann: User, media: Path, client: Client
) -> None:
    client.force_login(ann)
    assert client.post("/settings/picture/", {"picture": upload(picture())}).status_code == 302
    assert len(list(media.iterdir())) == 1
    answer = client.post("/settings/picture/", {"picture": upload(b"<svg/>", "me.svg")})
    assert answer.status_code == 422
    assert "no picture we can read" in answer.content.decode()
    ann.refresh_from_db()
    served = client.get(f"/media/avatars/{ann.avatar}")
    assert (served.status_code, served["Content-Type"]) == (200, "image/webp")
    client.post("/settings/picture/remove/")
    assert not list(media.iterdir())


@pytest.mark.parametrize("scope", ["picture", "picture_seconds"])
def test_the_rate_limit_is_checked_before_the_picture_is_decoded(
    scope: str, ann: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(ann)
    for _ in range(120):
        limits.hit(scope, ann.pk)
    monkeypatch.setattr(decoding, "decode", lambda *_given, **_options: pytest.fail("decoded"))
    answer = client.post("/settings/picture/", {"picture": upload(picture())})
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert "easy now" in answer.content.decode()


def test_an_upload_waits_for_the_lock_and_then_gets_a_503(
    ann: User, media: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock may belong to another process."""
    monkeypatch.setattr(decoding, "LOCK_SECONDS", 0.2)
    client.force_login(ann)
    with (media.parent / ".decoding").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = client.post("/settings/picture/", {"picture": upload(picture())})
        assert (answer.status_code, answer["Retry-After"]) == (503, "3")
        assert "give it a few seconds" in answer.content.decode()
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert client.post("/settings/picture/", {"picture": upload(picture())}).status_code == 302


def test_pages_show_the_picture_urls_of_another_storage(
    settings: Any, ann: User, media: Path, client: Client
) -> None:
    elsewhere = {
        "BACKEND": "django.core.files.storage.InMemoryStorage",
        "OPTIONS": {"base_url": "https://pictures.example/kwippy/"},
    }
    settings.STORAGES = settings.STORAGES | {"default": elsewhere}
    actions.change_picture(user=ann, picture=uploaded(ann))
    ann.refresh_from_db()
    first = ann.avatar
    page = client.get("/ann/").content.decode()
    assert f'src="https://pictures.example/kwippy/avatars/{first}"' in page
    assert "/media/" not in page
    assert avatars.read(first)
    actions.change_picture(user=ann, picture=uploaded(ann))
    ann.refresh_from_db()
    assert avatars.read(first) is None
    assert avatars.read(ann.avatar)
    assert not media.exists()
