"""For whatever watches over the site: is it alive, and can it work?"""

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache

from apps import lookaside


@never_cache
def livez(request: HttpRequest) -> HttpResponse:
    """200 while the process answers at all."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """200 with what works, 503 without PostgreSQL. Without memcached the site is slower, no more."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        postgresql = True
    except DatabaseError:
        postgresql = False
    state = {
        "postgresql": postgresql,
        "memcached": not lookaside.cache().invalidate(["readyz"], retrying=True),
    }
    return JsonResponse(state, status=200 if postgresql else 503)
