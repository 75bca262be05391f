"""Pictures: hostile ones are refused before they cost anything; kept ones carry nothing but pixels."""

import io
import resource
import struct
import zlib
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from apps.accounts import actions, avatars
from apps.accounts.models import User


def picture(kind: str = "JPEG", size: tuple[int, int] = (600, 300), **options) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "#bbd26c").save(out, kind, **options)
    return out.getvalue()


def upload(content: bytes, name: str = "me.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="image/jpeg")


def png_claiming(width: int, height: int) -> bytes:
    """A few bytes whose header speaks of a huge picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_picture_becomes_a_small_square(kind: str) -> None:
    kept = Image.open(io.BytesIO(avatars.picture_from(upload(picture(kind)))))
    assert (kept.format, kept.size) == ("WEBP", (avatars.SIDE, avatars.SIDE))


def test_where_and_when_it_was_taken_is_dropped() -> None:
    exif = Image.Exif()
    exif[0x010E] = "canary"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 0.0)
    source = picture(exif=exif.tobytes(), comment=b"canary")
    assert b"canary" in source
    kept = avatars.picture_from(upload(source))
    assert b"canary" not in kept
    assert not Image.open(io.BytesIO(kept)).getexif()


def test_a_picture_taken_sideways_stands_upright() -> None:
    sideways = Image.new("RGB", (400, 400), "black")
    sideways.paste("white", (0, 0, 400, 200))  # white above, to be turned to the right
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    sideways.save(out, "JPEG", exif=exif.tobytes())
    kept = Image.open(io.BytesIO(avatars.picture_from(upload(out.getvalue())))).convert("L")
    right, left = kept.getpixel((350, 200)), kept.getpixel((50, 200))
    assert isinstance(right, int)
    assert isinstance(left, int)
    assert (right > 200, left < 50) == (True, True)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a" + b"\0" * 20,
        picture()[:200],
        picture("PNG")[:60],
        picture("BMP"),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    ],
    ids=["empty", "text", "svg", "broken gif", "cut jpeg", "cut png", "bmp", "postscript"],
)
def test_what_is_no_picture_we_read_is_refused(content: bytes) -> None:
    with pytest.raises(ValidationError):
        avatars.picture_from(upload(content))


@pytest.mark.parametrize("size", [(50_000, 50_000), (2**31 - 1, 2**31 - 1), (10_000, 4_001)])
def test_a_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(ValidationError, match="pixels"):
        avatars.picture_from(upload(png_claiming(*size)))


def test_a_file_too_big_is_refused_unread() -> None:
    heavy = upload(b"")
    heavy.size = avatars.BYTES_LIMIT + 1
    with pytest.raises(ValidationError, match="too big"):
        avatars.picture_from(heavy)


@pytest.fixture
def media(settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path / "avatars"


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann", "ann@example.org", "a long password")


def test_a_new_picture_replaces_the_old_file_and_moves_the_version(ann: User, media: Path) -> None:
    actions.change_picture(user=ann, picture=b"one")
    actions.change_picture(user=ann, picture=b"two")
    ann.refresh_from_db()
    assert [path.name for path in media.iterdir()] == [ann.avatar]
    assert (media / ann.avatar).read_bytes() == b"two"
    assert ann.version == 3
    actions.change_picture(user=ann, picture=None)
    ann.refresh_from_db()
    assert (ann.avatar, list(media.iterdir())) == ("", [])


def test_a_full_disk_leaves_no_half_file_and_the_old_picture(ann: User, media: Path, client: Client) -> None:
    actions.change_picture(user=ann, picture=b"one")
    client.force_login(ann)
    noise = io.BytesIO()
    Image.effect_noise((500, 500), 90).convert("RGB").save(noise, "JPEG")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # the kernel ends the write in its middle
    try:
        answer = client.post("/settings/picture/", {"picture": upload(noise.getvalue())})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert answer.status_code == 422
    assert "try again later" in answer.content.decode()
    ann.refresh_from_db()
    assert [(path.name, path.read_bytes()) for path in media.iterdir()] == [(ann.avatar, b"one")]


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
