"""Prepare the database and the static files for the web server, in one process.

`deploy.local.run` starts this while PostgreSQL is still starting, for Django's imports take as long. It
closes our standard input when PostgreSQL answers.
"""

import errno
import hashlib
import sys
from pathlib import Path

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command


def main() -> int:
    """Migrate, create the demo community in an empty database, collect static files; return the exit code."""
    try:
        django.setup()
    except ImproperlyConfigured as error:  # such as an unknown name in WITHOUT
        print(f"kwippy: {error}", file=sys.stderr, flush=True)
        return 1
    sys.stdin.read()
    try:
        migrate()
        populate()
        index()
        collect_static()
    except Exception as error:
        if not is_full_disk(error):
            raise
        print("kwippy: no space left on device", file=sys.stderr)
        return 1
    return 0


def migrate() -> None:
    """Migrate, with a line of output if there is anything to migrate."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        print("Bringing the database up to date …", flush=True)
        call_command("migrate", interactive=False, verbosity=0)


def populate() -> None:
    """Fill an empty database with the demo community."""
    from django.contrib.auth import get_user_model

    if not get_user_model()._default_manager.exists():
        print("First start: inviting the demo community …", flush=True)
        call_command("populate", demo=True, verbosity=0)


def index() -> None:
    """Index for search what an older release stored; a moment if there is nothing."""
    from apps.search.index import build

    for _ in build():
        pass


def collect_static() -> None:
    """Collect the static files, unless the same files were collected before."""
    from django.conf import settings

    root = Path(settings.STATIC_ROOT)
    stamp = root.with_name(f"{root.name}.stamp")
    fingerprint = static_fingerprint()
    if root.is_dir() and stamp.is_file() and stamp.read_text() == fingerprint:
        return
    print("Collecting static files …", flush=True)
    stamp.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(fingerprint)


def static_fingerprint() -> str:
    """A digest of the static files and the setting by which they are stored."""
    from django.conf import settings
    from django.contrib.staticfiles.finders import get_finders

    digest = hashlib.sha256(repr(settings.STORAGES["staticfiles"]).encode())
    for finder in get_finders():
        for path, storage in finder.list([]):
            status = Path(storage.path(path)).stat()
            digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def is_full_disk(error: BaseException | None) -> bool:
    """Whether `error` comes from a full disk, ours or PostgreSQL's."""
    while error is not None:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            return True
        if "No space left on device" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


if __name__ == "__main__":
    sys.exit(main())
