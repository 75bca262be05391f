"""The pytest plugin that starts a PostgreSQL and a memcached for the test run, and stops them at its end.

It is named in pyproject.toml (`-p tests.support.plugin`): the servers' addresses must be in the
environment before pytest-django reads the settings.
"""

import gc
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from deploy.local import services
from deploy.local.memcached import Memcached
from deploy.local.postgres import ROLE, Postgres

# Variables by which the processes of pytest-xdist find the servers of the first one.
DIRECTORY = "KWIPPY_TEST_DIRECTORY"
WORKER = "PYTEST_XDIST_WORKER"
FIRST_IDS = {"kwips_kwip": 1_000_001, "accounts_user": 30_001}


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Start the servers; a wrapper, because pytest-django reads the settings in the first plain hook."""
    known = early_config.known_args_namespace
    # Or each process that a test starts would compile all sources of the site, which takes it a second.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if known.help or known.version:
        set_environment(Path(tempfile.gettempdir()), "")
    elif WORKER in os.environ:
        start_in_worker(early_config, Path(os.environ[DIRECTORY]), os.environ[WORKER])
    else:
        start_in_controller(early_config)
    yield


def start_in_controller(config: pytest.Config) -> None:
    """Start PostgreSQL for the whole run, in a temporary directory."""
    directory = Path(tempfile.mkdtemp(prefix="kwippy-test-"))
    config.add_cleanup(lambda: shutil.rmtree(directory, ignore_errors=True))
    os.environ[DIRECTORY] = str(directory)
    postgres = Postgres(directory / "postgres", sockets=directory / "run", durable=False)
    config.add_cleanup(postgres.stop)
    postgres.start()
    postgres.create_database("kwippy")
    start_in_worker(config, directory, "main")


def start_in_worker(config: pytest.Config, directory: Path, name: str) -> None:
    """Start a memcached for this process: a flush must not empty that of another process."""
    sockets = services.socket_directory(directory / "run")
    memcached = Memcached(sockets, name=name)
    if Memcached.program() is not None:
        config.add_cleanup(memcached.stop)
        memcached.start()
        set_environment(directory, memcached.address, name)
    elif os.environ.get("CI") == "true":
        raise pytest.UsageError("memcached is not installed, and with CI=true nothing is left out")
    else:
        set_environment(directory, "", name)


def set_environment(directory: Path, memcached: str, name: str = "main") -> None:
    """Set every variable that the settings read, whatever the environment of the shell."""
    files = directory / f"files-{name}"
    if memcached:
        (files / "static").mkdir(parents=True, exist_ok=True)
    os.environ |= {
        "DEBUG": "false",
        "LOG_LEVEL": "WARNING",
        "SECRET_KEY": "only for tests; long enough that no check has to complain about it",
        "SITE_URL": "http://localhost:8000",
        "ALLOWED_HOSTS": "",
        "DATABASE_HOST": str(directory / "run"),
        "DATABASE_PORT": "",
        "DATABASE_NAME": "kwippy",
        "DATABASE_USER": ROLE,
        "DATABASE_PASSWORD": "",
        # Long, for a busy machine: every wait for a lock or a connection succeeds.
        "DATABASE_LOCK_TIMEOUT_MS": "6000",
        "DATABASE_STATEMENT_TIMEOUT_MS": "30000",
        "DATABASE_POOL_WAIT": "30",
        "MEMCACHED_SERVERS": memcached,
        "MEMCACHED_TLS_CA": "",
        "MARK_SECONDS": "30",
        "PAGECACHE": "true",
        "WITHOUT": "",
        "XRAY": "off",
        "RELEASE": "",
        "SECURITY_CONTACT": "mailto:security@kwippy.example",
        "MEDIA_ROOT": str(files / "media"),
        "ARCHIVE_ROOT": str(files / "archives"),
        "STATIC_ROOT": str(files / "static"),
        "MAIL_DIR": str(files / "mail"),
        "INBOUND_ADDRESS": "post+{token}@in.kwippy.example",
        "INBOUND_IMAP_HOST": "",
    }


def pytest_collection_finish() -> None:
    """What is imported and collected stays: garbage collections need not look at it again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Install what empties the database after a test, and prepare the tables of a new one."""
    if "DJANGO_SETTINGS_MODULE" in os.environ:
        from django.db.models.signals import post_migrate

        post_migrate.connect(_prepare_tables, dispatch_uid="tests truncate")

        from tests.support import emptying

        emptying.install()

        from django.contrib.auth.signals import user_logged_in

        user_logged_in.connect(just_signed_in, dispatch_uid="tests sign in")


def just_signed_in(sender: Any, request: Any, user: Any, **options: Any) -> None:
    """`Client.force_login` counts as typing the password, and is in the list of sessions, as signing in is.

    Its request has no client.
    """
    from django.apps import apps

    if not apps.is_installed("allauth.account"):
        return
    from allauth.account.internal.flows import login

    if "REMOTE_ADDR" not in request.META:
        record = {"method": "password", "at": time.time()}
        request.session[login.AUTHENTICATION_METHODS_SESSION_KEY] = [record]
        request.session[login._AUTHENTICATION_METHODS_USER_SESSION_KEY] = login.user_id_to_str(user)
        if not apps.is_installed("allauth.usersessions"):
            return
        from allauth.usersessions.models import UserSession

        if request.session.session_key is None:  # of another member's client
            request.session.save()
        UserSession.objects.get_or_create(
            session_key=request.session.session_key, defaults={"user": user, "ip": "127.0.0.1"}
        )


def _prepare_tables(sender: Any, **options: Any) -> None:
    from django.db import connection
    from django.db.models.signals import post_migrate

    from tests.support.emptying import APPEND_ONLY

    if sender.name == "apps.moderation":
        with connection.cursor() as cursor:
            # Ids as on a site with a history: a test that needs small ones fails in every run.
            for table, first_id in FIRST_IDS.items():
                cursor.execute(f"ALTER SEQUENCE {table}_id_seq RESTART WITH {first_id}")
            # Tests empty the logs with all other tables; the migrations forbid it.
            for table in APPEND_ONLY:
                cursor.execute(f"GRANT TRUNCATE ON {table} TO CURRENT_USER")
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_all")
        post_migrate.disconnect(dispatch_uid="tests truncate")  # once a database


@pytest.fixture(scope="session", autouse=True)
def unhashed_static_files() -> Iterator[None]:
    """Serve static files from the checkout: `live_server` finds no collected, hashed files."""
    from django.conf import settings
    from django.test.utils import override_settings

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(STORAGES=settings.STORAGES | {"staticfiles": plain}):
        yield


@pytest.fixture(scope="session", autouse=True)
def patience_with_memcached() -> Iterator[None]:
    """Long time limits for a busy machine: a slow memcached does not count as down."""
    from django.conf import settings
    from django.test.utils import override_settings

    patient = settings.CACHES.get("lookaside", {}).copy()
    if patient and os.environ["MEMCACHED_SERVERS"]:
        patient["OPTIONS"] = patient.get("OPTIONS", {}) | {"connect_timeout": 10, "timeout": 10}
    with override_settings(CACHES=settings.CACHES | ({"lookaside": patient} if patient else {})):
        yield


# Of Argon2: KiB and passes, the least it takes.
CHEAP = {"memory_cost": 8, "time_cost": 1}


@pytest.fixture(scope="session", autouse=True)
def hashes_are_cheap() -> Iterator[dict[type, dict[str, int]]]:
    """A password hash takes 50 ms, and most tests sign in. Yields the hashers, with the site's costs."""
    from django.conf import settings
    from django.utils.module_loading import import_string

    hashers = {
        hasher: {name: getattr(hasher, name) for name in CHEAP}
        for hasher in map(import_string, settings.PASSWORD_HASHERS)
        if hasattr(hasher, "memory_cost")
    }
    _set_costs(dict.fromkeys(hashers, CHEAP))
    yield hashers
    _set_costs(hashers)


@pytest.fixture
def hash_costs_of_site(hashes_are_cheap: dict[type, dict[str, int]]) -> Iterator[None]:
    """For a test of what a password hash costs."""
    _set_costs(hashes_are_cheap)
    yield
    _set_costs(dict.fromkeys(hashes_are_cheap, CHEAP))


def _set_costs(costs: Mapping[type, Mapping[str, int]]) -> None:
    for hasher, of_hasher in costs.items():
        for name, cost in of_hasher.items():
            setattr(hasher, name, cost)


@pytest.fixture(autouse=True)
def nothing_cached() -> None:
    """Empty the caches: tests reuse the same ids and versions."""
    from django.core.cache import caches

    if "lookaside" in caches.settings:
        caches["lookaside"].clear()
    if "apps.kwips.cards" in sys.modules:
        sys.modules["apps.kwips.cards"].near.clear()
    side: Any = sys.modules.get("apps.feeds.side")
    if side is not None:
        side.kept.clear()
        side.SECONDS = 86_400  # the candidates of a test change at no moment of chance


@pytest.fixture
def memcached() -> str:
    """The address of this process's memcached; skips without the program."""
    address = os.environ["MEMCACHED_SERVERS"]
    if not address:
        pytest.skip("memcached is not installed")
    return address
