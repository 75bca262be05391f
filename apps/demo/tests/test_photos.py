"""Pictures of the demo community on a machine that is busy."""

import pytest

from apps.demo import photos
from apps.limits import Busy
from apps.pictures import decoding


def test_a_busy_machine_delays_the_pictures_and_refuses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    decode, refusals = decoding.decode, [Busy("busy"), Busy("busy")]

    def busy_at_first(*arguments: object, **options: object) -> decoding.Decoded:
        if refusals:
            raise refusals.pop()
        return decode(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(decoding, "decode", busy_at_first)
    monkeypatch.setattr(photos, "PAUSE_SECONDS", 0)
    content, _ = photos.draw(0)
    assert photos._decoded(content).variants is not None
    assert not refusals


def test_a_machine_that_stays_busy_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def busy(*arguments: object, **options: object) -> decoding.Decoded:
        tries.append(1)
        raise Busy("busy")

    monkeypatch.setattr(decoding, "decode", busy)
    monkeypatch.setattr(photos, "PAUSE_SECONDS", 0)
    with pytest.raises(Busy):
        photos._decoded(b"")
    assert len(tries) == photos.TRIES
