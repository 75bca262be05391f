"""For whatever watches over the site: is it alive, and can it work?"""

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache

from apps import lookaside

# Once they are applied they stay so; and to look costs more than all else here.
_migrated = False


@never_cache
def livez(request: HttpRequest) -> HttpResponse:
    """200 while the process answers at all."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """200 with what works; 503 without PostgreSQL, or with tables older than this release needs.

    Without memcached the site is slower, no more.
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
    """Whether the database has all migrations of this release. Raises DatabaseError."""
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrated
