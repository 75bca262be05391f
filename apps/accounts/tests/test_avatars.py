"""Profile pictures: hostile files are refused cheaply, and stored pictures contain only pixels."""

import fcntl
import io
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import pillow_heif
import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from apps import limits
from apps.accounts import actions, avatars, picture_decoder
from apps.accounts.models import User
from apps.accounts.picture_decoder import Verdict
from apps.accounts.tests import hostile_pictures


def picture(kind: str = "JPEG", size: tuple[int, int] = (600, 300), **options) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "#bbd26c").save(out, kind, **options)
    return out.getvalue()


def upload(content: bytes, name: str = "me.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="image/jpeg")


def stored(content: bytes) -> Image.Image:
    """The stored picture of the upload."""
    decoded = avatars.decode(upload(content))
    assert decoded.picture, decoded.refusal
    return Image.open(io.BytesIO(decoded.picture))


def level(picture: Image.Image, x: int = 200) -> int:
    """The brightness of one pixel of one channel."""
    found = picture.getpixel((x, 200))
    assert isinstance(found, int)
    return found


def refusal(content: bytes) -> str:
    decoded = avatars.decode(upload(content))
    assert decoded.picture is None
    return decoded.refusal


@pytest.fixture(autouse=True)
def media(settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path / "avatars"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF", "HEIF", "MPO"])
def test_a_picture_becomes_a_small_square(kind: str) -> None:
    pillow_heif.register_heif_opener()
    result = stored(picture(kind))
    assert (result.format, result.size) == ("WEBP", (avatars.SIDE, avatars.SIDE))
    red, green, blue = (level(result.getchannel(name)) for name in "RGB")
    assert (abs(red - 0xBB) < 12, abs(green - 0xD2) < 12, abs(blue - 0x6D) < 12) == (True, True, True)


@pytest.mark.parametrize("mode", ["I;16", "1", "L", "LA", "P", "CMYK", "RGBA"])
def test_every_color_mode_keeps_its_brightness(mode: str) -> None:
    """Includes 16 bits per channel, which Pillow's conversion clips to white."""
    deep = mode == "I;16"
    half = Image.new("I;16" if deep else "L", (900, 900), 0)
    half.paste(Image.new(half.mode, (450, 900), 40_000 if deep else 200), (0, 0))
    out = io.BytesIO()
    half.convert(mode).save(out, "JPEG" if mode == "CMYK" else "PNG")
    result = stored(out.getvalue()).convert("L")
    assert level(result, 350) < 30
    assert level(result, 50) > 130


def test_a_multi_picture_jpeg_of_a_phone_is_decoded() -> None:
    frame = Image.new("RGB", (5712, 4284), "#bbd26c")
    out = io.BytesIO()
    frame.save(out, "MPO", save_all=True, append_images=[frame.resize((600, 450))])
    assert stored(out.getvalue()).size == (avatars.SIDE, avatars.SIDE)


def test_metadata_is_dropped() -> None:
    exif = Image.Exif()
    exif[0x010E] = "canary"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 0.0)
    source = picture(exif=exif.tobytes(), comment=b"canary")
    assert b"canary" in source
    result = avatars.decode(upload(source)).picture
    assert result
    assert b"canary" not in result
    assert not Image.open(io.BytesIO(result)).getexif()


def test_the_exif_orientation_is_applied() -> None:
    sideways = Image.new("RGB", (400, 400), "black")
    sideways.paste("white", (0, 0, 400, 200))  # white above, to be turned to the right
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    sideways.save(out, "JPEG", exif=exif.tobytes())
    result = stored(out.getvalue()).convert("L")
    assert level(result, 350) > 200
    assert level(result, 50) < 50


@pytest.mark.parametrize(
    "content",
    [
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a" + b"\0" * 20,
        b"\0\0\0\x18ftypheic" + b"\0" * 60,
        picture()[:200],
        picture("PNG")[:60],
        picture("BMP"),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    ],
    ids=["text", "svg", "broken gif", "broken heic", "cut jpeg", "cut png", "bmp", "postscript"],
)
def test_a_damaged_file_or_an_unsupported_format_is_refused(content: bytes) -> None:
    assert "no picture we can read" in refusal(content)


HOSTILE = {
    "a side of 2^31": (hostile_pictures.png(2**31 - 1, 2**31 - 1), Verdict.TOO_MANY_PIXELS),
    "40 million pixels": (hostile_pictures.png(10_000, 4_001), Verdict.TOO_MANY_PIXELS),
    "one column of 16 million": (hostile_pictures.png_of_one_column(16_000_000), Verdict.TOO_MANY_PIXELS),
    "progressive, 79 million in color": (
        hostile_pictures.progressive(8900, 8900, components=3),
        Verdict.TOO_MANY_PIXELS,
    ),
    "progressive, 79 million grey": (
        hostile_pictures.progressive(8900, 8900, scans=200),
        Verdict.TOO_MUCH_WORK,
    ),
    "9,000 scans": (hostile_pictures.progressive(3400, 3400, scans=9_000), Verdict.TOO_MUCH_WORK),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_picture_is_refused_by_its_header(name: str) -> None:
    """Decoding would take 200 to 800 MB, or minutes."""
    content, verdict = HOSTILE[name]
    assert len(content) < avatars.BYTES_LIMIT
    # The decoder reports its own peak: the one of `wait4` includes the parent's.
    program = f"""
import os, re, sys
sys.path.insert(0, {str(settings.BASE_DIR)!r})
from apps.accounts import picture_decoder
verdict = picture_decoder.main(400)
print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1], flush=True)
os._exit(verdict)"""
    decoder = subprocess.run([sys.executable, "-c", program], input=content, stdout=subprocess.PIPE)
    assert decoder.returncode == verdict
    assert int(decoder.stdout) < 150_000  # kB


@pytest.mark.parametrize(
    ("work", "status"),
    [
        ("while True: pass", -signal.SIGKILL),
        ("bytearray(picture_decoder.MEMORY_BYTES)", Verdict.TOO_MUCH_WORK),
        ("return b'x' * (picture_decoder.OUTPUT_BYTES + 1)", -signal.SIGXFSZ),
    ],
    ids=["time", "memory", "output"],
)
def test_the_kernel_ends_a_decoder_that_exceeds_its_limits(
    work: str, status: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "decoder.py"
    program.write_text(
        "import os, sys\n"
        f"sys.path.insert(0, {str(settings.BASE_DIR)!r})\n"
        "from apps.accounts import picture_decoder\n"
        "picture_decoder.CPU_SECONDS = 1\n"
        f"def square(upload, side):\n    {work}\n"
        "picture_decoder.square = square\n"
        "os._exit(picture_decoder.main(400))\n"
    )
    monkeypatch.setattr(picture_decoder, "__file__", str(program))
    ran: list[tuple[int, int]] = []
    run = avatars._run

    def recorded(source: IO[bytes], output: IO[bytes]) -> tuple[int, int]:
        ran.append(run(source, output))
        return ran[-1]

    monkeypatch.setattr(avatars, "_run", recorded)
    assert "too much work" in refusal(picture())
    assert ran[0][0] == status


def test_a_file_that_is_too_big_is_not_read() -> None:
    heavy = upload(b"")
    heavy.size = avatars.BYTES_LIMIT + 1
    assert "too big" in avatars.decode(heavy).refusal


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


@pytest.mark.parametrize("scope", ["picture", "picture_seconds"])
def test_the_rate_limit_is_checked_before_the_picture_is_decoded(
    scope: str, ann: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(ann)
    for _ in range(60):
        limits.hit(scope, ann.pk)
    monkeypatch.setattr(avatars, "decode", lambda upload: pytest.fail("decoded"))
    answer = client.post("/settings/picture/", {"picture": upload(picture())})
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert "easy now" in answer.content.decode()


def test_the_rate_limit_counts_seconds_of_decoding(
    ann: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(ann)
    monkeypatch.setattr(avatars, "decode", lambda upload: avatars.Decoded(None, "too much work", 5))
    statuses = [
        client.post("/settings/picture/", {"picture": upload(picture())}).status_code for _ in range(13)
    ]
    assert statuses == [422] * 12 + [429]


def test_an_upload_waits_for_the_lock_and_then_gets_a_503(
    ann: User, media: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock may belong to another process."""
    monkeypatch.setattr(avatars, "LOCK_SECONDS", 0.2)
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
    actions.change_picture(user=ann, picture=b"one")
    ann.refresh_from_db()
    first = ann.avatar
    page = client.get("/ann/").content.decode()
    assert f'src="https://pictures.example/kwippy/avatars/{first}"' in page
    assert "/media/" not in page
    assert avatars.read(first) == b"one"
    actions.change_picture(user=ann, picture=b"two")
    ann.refresh_from_db()
    assert (avatars.read(first), avatars.read(ann.avatar)) == (None, b"two")
    assert not media.exists()
