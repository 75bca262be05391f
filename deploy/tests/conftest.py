"""Fixtures for the tests of the scripts."""

from pathlib import Path

import pytest

from deploy.tests.machine import Machine, site


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return site(tmp_path)
