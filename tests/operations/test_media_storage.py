"""Pictures in an S3-compatible object store: as in a folder, and a clear refusal while it is away."""

import socket
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import default_storage
from django.db.models.functions import Now
from django.test import Client
from moto.server import ThreadedMotoServer

from apps.accounts.models import User
from apps.pictures import actions, decoding, files, sweeping
from apps.pictures.models import Picture
from apps.pictures.tests.made import upload
from kwippy.settings import media

BUCKET, BROWSERS = "pictures", "https://pictures.example/kwippy/"
KEYS: dict[str, Any] = {
    "aws_access_key_id": "key",
    "aws_secret_access_key": "secret",
    "region_name": "us-east-1",
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, use: Any) -> Any:
    made = boto3.resource("s3", endpoint_url=endpoint, **KEYS).create_bucket(Bucket=BUCKET)
    use(endpoint)
    yield made
    made.objects.all().delete()


@pytest.fixture
def use(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Uses the store at an address, by the variables of the environment that an operator sets."""
    monkeypatch.setattr(decoding, "WALL_SECONDS", 60.0)

    def store(endpoint: str) -> None:
        for name, value in {
            "MEDIA_STORAGE": "s3",
            "S3_BUCKET": BUCKET,
            "S3_ENDPOINT": endpoint,
            "S3_REGION": "us-east-1",
            "S3_ACCESS_KEY": "key",
            "S3_SECRET_KEY": "secret",
        }.items():
            monkeypatch.setattr(media, name, value)
        settings.STORAGES = settings.STORAGES | {"default": media.media_storage(BROWSERS)}

    return store


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann", "ann@example.org", "a long password")


def test_a_picture_is_stored_shown_and_deleted_there(
    ann: User, bucket: Any, client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    picture = actions.upload(owner=ann, file=upload())
    assert {found.key for found in bucket.objects.all()} == {
        files.path(picture.name, variant) for variant in files.Urls._fields
    }
    stored = bucket.Object(files.path(picture.name, "thumb")).get()
    assert (stored["ContentType"], "immutable" in stored["CacheControl"]) == ("image/webp", True)
    assert files.urls(picture).full == f"{BROWSERS}{files.path(picture.name, 'full')}"
    content = files.read(picture.name, "list")
    assert content is not None
    assert content[:4] == b"RIFF"
    assert files.read("0" * 32, "list") is None
    actions.use(owner=ann, names=[picture.name])
    with django_capture_on_commit_callbacks(execute=True):
        actions.release(pictures=[picture])
    assert list(bucket.objects.all()) == []


def test_what_nothing_refers_to_is_swept_there(
    ann: User, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "YOUNG", -sweeping.YOUNG)
    kept, waited = (actions.upload(owner=ann, file=upload()) for _ in range(2))
    Picture.objects.filter(pk=waited.pk).update(waits_until=Now())
    stray = files.path("ab" * 16, "full")
    bucket.put_object(Key=stray, Body=b"RIFF")
    assert sweeping.expired() == 1
    assert sweeping.strays("pictures/ab") == 1
    assert sum(sweeping.strays(folder) for folder in ("avatars", f"pictures/{kept.name[:2]}")) == 0
    assert len(list(bucket.objects.all())) == 3
    assert default_storage.exists(files.path(kept.name, "thumb"))


@pytest.mark.parametrize("fault", ["refuses", "is silent"])
def test_a_store_that_is_away_is_said_and_nothing_is_left(
    fault: str, ann: User, use: Any, client: Client
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        if fault == "refuses":
            silent.close()
        use(f"http://127.0.0.1:{port}")
        client.force_login(ann)
        answer = client.post("/settings/picture/", {"picture": upload()})
    assert answer.status_code == 422
    assert "try again later" in answer.content.decode()
    # The row stays until a sweep has reached the store.
    assert not Picture.objects.filter(waits_until__gt=Now()).exists()


@pytest.mark.parametrize(
    ("missing", "media_url"), [("S3_BUCKET", BROWSERS), ("S3_SECRET_KEY", BROWSERS), (None, "/media/")]
)
def test_a_store_without_its_settings_stops_the_start(
    missing: str | None, media_url: str, use: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    use("http://127.0.0.1:1")
    if missing:
        monkeypatch.setattr(media, missing, "")
    with pytest.raises(ImproperlyConfigured, match="MEDIA_STORAGE=s3 needs"):
        media.media_storage(media_url)


def test_an_unknown_storage_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "MEDIA_STORAGE", "cloud")
    with pytest.raises(ImproperlyConfigured, match="local or s3"):
        media.media_storage("/media/")
