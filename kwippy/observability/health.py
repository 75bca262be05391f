"""Health checks: `/livez` (is the process alive?) and `/readyz` (can it serve requests?)."""

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache

from apps import lookaside

# Remembered once true: applied migrations stay applied, and the check costs more than all others here.
_migrated = False


@never_cache
def livez(request: HttpRequest) -> HttpResponse:
    """200 while the process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """200 with the state of each service; 503 without PostgreSQL or with unapplied migrations.

    Without memcached the site is only slower, so that still is a 200.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        postgresql, migrated = True, is_migrated()
    except DatabaseError:
        postgresql = migrated = False
    state = {
        "postgresql": postgresql,
        "migrations": migrated,
        "memcached": not lookaside.cache().invalidate(["readyz"], retrying=True),
    }
    return JsonResponse(state, status=200 if postgresql and migrated else 503)


def is_migrated() -> bool:
    """Whether all migrations of this release are applied. Raises DatabaseError."""
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrated
