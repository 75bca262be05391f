"""The pool's settings."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from apps.dbpool.options import Options


def test_whatever_is_not_set_has_a_default() -> None:
    assert Options.read({}) == Options()
    assert Options.read({"max_size": 9}).max_cached_size == 9
    assert Options.read({"max_size": 9, "max_cached": 3}).max_cached_size == 3


@pytest.mark.parametrize(
    "settings",
    [
        {"max_size": 0},
        {"max_size": 4, "max_cached": 5},
        {"max_cached": 0},
        {"max_lifetime": 0},
        {"timeout": -1},
        {"check": "hope"},
        {"maxconnections": 4},
    ],
)
def test_what_can_not_be_is_refused_by_its_name(settings: dict[str, Any]) -> None:
    with pytest.raises(ImproperlyConfigured, match=list(settings)[-1]):
        Options.read(settings)
