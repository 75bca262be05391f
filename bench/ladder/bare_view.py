"""The floor of a publish: the usual middlewares, and the same rows by one statement of psycopg2.

It checks nothing: no lock, no form key that counts once, no limit, no visibility. Its rows are those that the
site writes for the same form: the kwip, two tags, a mention and its notice, the words for the search, the
author's counter, and a hit of the limit.
"""

import threading
import uuid

import psycopg2
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path

from apps.kwips.formatting import tags_and_mentions
from bench.members.constant_page import page

_PUBLISH = """
    WITH made AS (
        INSERT INTO kwips_kwip (
            author_id, text, form_key, version, comments_count, favourites_count, is_formatted
        ) VALUES (%(author)s, %(text)s, %(form_key)s::uuid, 1, 0, 0, true)
        RETURNING id, text
    ), tagged AS (
        INSERT INTO kwips_kwiptag (kwip_id, tag_id)
        SELECT made.id, tag.id FROM made, kwips_tag tag WHERE tag.name = ANY(%(tags)s)
    ), named AS (
        SELECT id FROM accounts_user WHERE username = ANY(%(names)s)
    ), mentioned AS (
        INSERT INTO kwips_mention (kwip_id, user_id) SELECT made.id, named.id FROM made, named
    ), noticed AS (
        INSERT INTO notifications_notice (recipient_id, kind, actor_id, subject, thread_id, kwip_id, grouping)
        SELECT named.id, 'mention', %(author)s, made.id, made.id, made.id, 'mention:' || made.id
        FROM made, named
    ), indexed AS (
        INSERT INTO search_entry (kwip_id, words) SELECT id, to_tsvector('simple', text) FROM made
    ), counted AS (
        UPDATE accounts_user SET kwips_count = kwips_count + 1 WHERE id = %(author)s
    ), limited AS (
        INSERT INTO limits_tries (key, scope, times, expires_at)
        VALUES (%(form_key)s::uuid, 'kwip', ARRAY[clock_timestamp()], clock_timestamp() + interval '1 hour')
    )
    SELECT id FROM made
"""
_local = threading.local()


def publish(request: HttpRequest) -> HttpResponse:
    text = request.POST["text"]
    tags, names = tags_and_mentions(text, formatted=True)
    with _cursor() as cursor:
        author, form_key = request.user.pk, str(uuid.UUID(request.POST["form_key"]))
        cursor.execute(
            _PUBLISH, {"author": author, "text": text, "form_key": form_key, "tags": tags, "names": names}
        )
    return HttpResponseRedirect("/")


def _cursor():  # type: ignore[no-untyped-def]
    """Of a connection of this thread, which stays open; each statement is a transaction."""
    if not hasattr(_local, "connection"):
        _local.connection = psycopg2.connect(**connection.get_connection_params())
        _local.connection.autocommit = True
    return _local.connection.cursor()


urlpatterns = [path("", page), path("kwip/", publish)]
