"""deploy/gunicorn.conf.py: its hooks at the end of processes, and what gunicorn logs."""

import gc
import logging
import runpy
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections
from django.db.utils import load_backend
from gunicorn.config import Config  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from apps.dbpool import registry, stats
from kwippy.observability import metrics
from kwippy.observability.logs import JsonFormatter

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def configuration() -> dict[str, Any]:
    return runpy.run_path(str(Path(settings.BASE_DIR) / "deploy" / "gunicorn.conf.py"))


def is_gone(backend: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [backend])
        return bool(cursor.fetchone()[0] == 0)


@pytest.mark.parametrize("engine", ["apps.dbpool", "django.db.backends.postgresql"])
def test_the_end_of_a_worker_closes_its_connections(configuration: dict[str, Any], engine: str) -> None:
    connection.close()
    registry.close_all()
    ours = connections["default"]
    connections["default"] = load_backend(engine).DatabaseWrapper(ours.settings_dict, "default")
    try:
        connection.ensure_connection()
        backend = connection.connection.info.backend_pid
        assert not is_gone(backend)
        configuration["worker_exit"](None, None)
        gc.unfreeze()
        assert connection.connection is None
        assert stats() == {}
        # PostgreSQL notices a little later.
        deadline = time.monotonic() + 30
        while not is_gone(backend):
            assert time.monotonic() < deadline
        connection.close()
    finally:
        connections["default"] = ours


def test_the_end_of_a_worker_does_not_look_for_garbage(configuration: dict[str, Any]) -> None:
    gc.unfreeze()
    try:
        configuration["worker_exit"](None, None)
        assert len(gc.get_objects()) < gc.get_freeze_count()
    finally:
        gc.unfreeze()


def test_gunicorn_logs_its_messages_once_and_formats_no_line_for_a_request(
    configuration: dict[str, Any],
) -> None:
    config = Config()
    for name in config.settings.keys() & configuration.keys():
        config.set(name, configuration[name])
    logger = Logger(config)
    assert not logger.access_log_enabled
    # Those of pytest are of classes of their own.
    [handler] = [one for one in logger.error_log.handlers if type(one) is logging.StreamHandler]
    assert isinstance(handler.formatter, JsonFormatter)


def test_the_threads_of_a_worker_take_turns_each_millisecond(
    configuration: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "start_copying", lambda: None)
    before = sys.getswitchinterval()
    try:
        configuration["post_worker_init"](SimpleNamespace(age=configuration["workers"] + 1))
        assert sys.getswitchinterval() == pytest.approx(0.001)
    finally:
        sys.setswitchinterval(before)
