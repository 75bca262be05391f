"""The site of each rival: one light page of three queries.

It runs in the project's environment and in psycopg 3's own: it may import nothing of the project.
"""

import json
import os
from typing import Any

from django.conf import settings
from django.db import models

WAYS: dict[str, dict[str, Any]] = {
    "connect_each_request": {"ENGINE": "django.db.backends.postgresql", "CONN_MAX_AGE": 0},
    "persistent": {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    },
    "ours": {"ENGINE": "apps.dbpool", "POOL": {"max_size": 4, "timeout": 30}},
    "psycopg3_pool": {
        "ENGINE": "django.db.backends.postgresql",
        "OPTIONS": {"pool": {"min_size": 4, "max_size": 4}},
    },
}


def database(way: str) -> dict[str, Any]:
    """Django's settings for the rival's database, whose address comes from the environment."""
    where = json.loads(os.environ["BENCH_DATABASE"])
    options = {"sslmode": "require", "application_name": way}
    return where | WAYS[way] | {"OPTIONS": options | WAYS[way].get("OPTIONS", {})}


def application(way: str) -> Any:
    """The WSGI application, which connects to its database in that way."""
    settings.configure(
        ALLOWED_HOSTS=["*"],
        DATABASES={"default": database(way)},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="only for benchmarks",  # noqa: S106
        USE_TZ=True,
    )
    import django

    django.setup(set_prefix=False)
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpRequest, HttpResponse
    from django.urls import path

    class Note(models.Model):
        author = models.TextField()
        text = models.TextField()

        class Meta:
            app_label = "bench"
            db_table = "note"
            managed = False

    notes = Note._default_manager

    def page(request: HttpRequest) -> HttpResponse:
        viewer = notes.get(pk=17)
        count = notes.filter(author=viewer.author, pk__lt=100).count()
        lines = [f"<li>{note.text}</li>" for note in notes.order_by("-pk")[:10]]
        return HttpResponse(f"<title>{viewer.author}: {count}</title><ul>{''.join(lines)}</ul>")

    globals()["urlpatterns"] = [path("", page)]
    return get_wsgi_application()
