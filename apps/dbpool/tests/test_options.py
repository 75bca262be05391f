"""The pool's settings."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from apps.dbpool.options import Options


def test_whatever_is_not_set_has_a_default() -> None:
    assert Options.read({}) == Options()
    assert Options.read({"size": 9}).most_idle == 9
    assert Options.read({"size": 9, "idle": 3}).most_idle == 3


@pytest.mark.parametrize(
    "settings",
    [
        {"size": 0},
        {"size": 4, "idle": 5},
        {"idle": 0},
        {"max_age": 0},
        {"wait": -1},
        {"check": "hope"},
        {"maxconnections": 4},
    ],
)
def test_what_can_not_be_is_refused_by_its_name(settings: dict[str, Any]) -> None:
    with pytest.raises(ImproperlyConfigured, match=list(settings)[-1]):
        Options.read(settings)
