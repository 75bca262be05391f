"""The decoder's process: the kernel ends it at its limits, and one runs at a time."""

import fcntl
import signal
import time
from pathlib import Path
from typing import IO, Any

import pytest
from django.conf import settings

from apps.limits import Busy
from apps.pictures import decoder, decoding
from apps.pictures.decoder import Verdict
from apps.pictures.tests.made import upload

# Before the fixture of these tests gives more.
PATIENCE = decoding.LOCK_SECONDS, decoding.WALL_SECONDS


def decode(content: bytes | None = None) -> decoding.Decoded:
    return decoding.decode(upload(content), shape="whole", keeps_moving=True)


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Replaces the decoder's work."""

    def replace(work: str) -> None:
        path = tmp_path / "decoder.py"
        path.write_text(
            "import os, sys, time\n"
            f"sys.path.insert(0, {str(settings.BASE_DIR)!r})\n"
            "from apps.pictures import decoder\n"
            "decoder.CPU_SECONDS = 1\n"
            f"def decoded(upload, shape, *, keeps_moving):\n    {work}\n"
            "decoder.decoded = decoded\n"
            "os._exit(decoder.main(sys.argv[1], keeps_moving=True))\n"
        )
        monkeypatch.setattr(decoder, "__file__", str(path))

    return replace


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float]]:
    """The exit statuses and CPU seconds of the decoders that ran."""
    found: list[tuple[int, float]] = []
    run = decoding._run

    def recorded(source: IO[bytes], output: IO[bytes], shape: str, **options: bool) -> tuple[int, float]:
        found.append(run(source, output, shape, **options))
        return found[-1]

    monkeypatch.setattr(decoding, "_run", recorded)
    return found


@pytest.mark.parametrize(
    ("work", "status"),
    [
        ("while True: pass", -signal.SIGKILL),
        ("bytearray(decoder.DATA_BYTES)", Verdict.TOO_MUCH_WORK),
        ("return {}, [b'x' * (decoder.OUTPUT_BYTES + 1)]", -signal.SIGXFSZ),
    ],
    ids=["time", "memory", "output"],
)
def test_the_kernel_ends_a_decoder_that_exceeds_its_limits(
    work: str, status: int, program: Any, ran: list[tuple[int, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "STARVED_SECONDS", 0.5)
    program(work)
    assert "too much work" in decode().refusal
    assert ran[0][0] == status


def test_a_decoder_that_waits_too_long_for_the_machine_is_ended_and_may_be_tried_again(
    program: Any, ran: list[tuple[int, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "WALL_SECONDS", 0.3)
    program("time.sleep(60)")
    with pytest.raises(Busy):
        decode()
    assert ran[0][0] == -signal.SIGKILL


def test_no_request_waits_two_seconds() -> None:
    assert sum(PATIENCE) < 2


@pytest.mark.parametrize(
    "output",
    [
        "{}, []",
        "dict(width=9, height=9, color='red', is_animated=False, sizes={}), []",
        "dict(width=9, height=9, color='#aabbcc', is_animated=False,"
        " sizes=dict(full=6, list=6, thumb=6)), [b'<html>'] * 3",
        "dict(width=9**9, height=9, color='#aabbcc', is_animated=False, sizes={}), []",
    ],
    ids=["nothing", "color", "html", "width"],
)
def test_what_a_decoder_returns_is_checked(output: str, program: Any) -> None:
    """Hostile bytes may have taken it over."""
    program(f"return {output}")
    assert "no picture we can read" in decode().refusal


def test_the_decoder_gets_no_secrets(program: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "secret")
    program(f"open({str(tmp_path / 'seen')!r}, 'w').write(repr(os.environ)); raise MemoryError")
    decode()
    seen = (tmp_path / "seen").read_text()
    assert "MALLOC" in seen
    assert "secret" not in seen


def test_a_file_that_is_too_big_is_not_read() -> None:
    heavy = upload(b"")
    heavy.size = decoding.BYTES_LIMIT + 1
    assert "too big" in decoding.decode(heavy, shape="whole", keeps_moving=True).refusal


def test_one_upload_waits_for_another(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock may belong to another process."""
    monkeypatch.setattr(decoding, "LOCK_SECONDS", 0.2)
    media.mkdir()
    with (media / ".decoding").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        began = time.monotonic()
        with pytest.raises(Busy):
            decode()
        assert time.monotonic() - began >= 0.2
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert decode().variants


def test_no_descriptor_is_left() -> None:
    before = descriptors()
    for content in (None, b"not a picture"):
        decode(content)
    assert descriptors() == before


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
