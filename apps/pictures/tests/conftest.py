from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from apps.pictures import decoding


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.LIMITS = {"picture": "30/1h", "picture_seconds": "60/1h"}
    return tmp_path / "media"


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that runs tests is busy."""
    monkeypatch.setattr(decoding, "WALL_SECONDS", 60.0)
    monkeypatch.setattr(decoding, "LOCK_SECONDS", 60.0)


@pytest.fixture
def ann(db: None) -> Any:
    return get_user_model().objects.create_user("ann", "ann@example.org", "a long password")


@pytest.fixture
def ben(db: None) -> Any:
    return get_user_model().objects.create_user("ben", "ben@example.org", "a long password")


@pytest.fixture
def stored(media: Path) -> Callable[[], list[str]]:
    """The names of all files in the storage."""

    def names() -> list[str]:
        files = (path for path in media.rglob("*") if path.is_file() and path.name != ".decoding")
        return sorted(path.relative_to(media).as_posix() for path in files)

    return names
