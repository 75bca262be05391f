"""Notices and digests of the demo account and some others, from rows of the community; who tracks what."""

import datetime
from collections.abc import Sequence

from django.db import connection

from apps.notifications.models import Period, Preferences

NEWEST = 120
NEW = datetime.timedelta(days=3)  # before the end: what is unseen
# When the others get their digests; the first has chosen nothing.
OTHERS = (
    (Period.DAILY, 7, "Europe/Berlin"),
    (Period.DAILY, 20, "America/New_York"),
    (Period.WEEKLY, 9, "Asia/Kolkata"),
    (Period.NEVER, 8, "Pacific/Auckland"),
)

# Who commented saw the talk up to there.
_TRACK = """
INSERT INTO kwips_track (kwip_id, user_id, is_on, seen_id, seen_at)
SELECT c.thread_id, c.author_id, true, max(c.id), max(c.created_at)
FROM kwips_kwip c
JOIN kwips_kwip k ON k.id = c.thread_id
WHERE c.thread_id >= %(since)s AND c.author_id <> k.author_id
GROUP BY c.thread_id, c.author_id
"""
# Of comments: the first one after what the account last said there.
_NOTIFY = """
INSERT INTO notifications_notice
    (recipient_id, kind, subject, actor_id, thread_id, kwip_id, grouping, notified_at,
    channel, is_unseen, is_waiting, is_cleared)
SELECT
    %(demo)s, kind, subject, actor, thread, kwip, coalesce('kwip ' || thread, kind || ' ' || moment::date),
    moment, CASE WHEN kind <> 'favourite' AND moment > %(new)s THEN 'digest' ELSE 'site' END,
    moment > %(new)s, kind IN ('comment', 'tracked', 'mention') AND moment > %(new)s, false
FROM (
    SELECT *
    FROM (
        SELECT 'follow' AS kind, 0 AS subject, f.follower_id AS actor, NULL::bigint AS thread,
            NULL::bigint AS kwip, f.created_at AS moment
        FROM graph_follow f
        WHERE f.followee_id = %(demo)s
        UNION ALL
        SELECT 'favourite', k.id, f.user_id, coalesce(k.thread_id, k.id), k.id, f.created_at
        FROM kwips_favourite f
        JOIN kwips_kwip k ON k.id = f.kwip_id
        WHERE k.author_id = %(demo)s
        UNION ALL
        SELECT 'share', s.kwip_id, s.sharer_id, s.kwip_id, s.kwip_id, s.created_at
        FROM kwips_share s
        WHERE s.author_id = %(demo)s
        UNION ALL
        SELECT 'mention', k.id, k.author_id, coalesce(k.thread_id, k.id), k.id, k.created_at
        FROM kwips_mention m
        JOIN kwips_kwip k ON k.id = m.kwip_id
        WHERE m.user_id = %(demo)s AND k.author_id <> %(demo)s AND k.audience_id IS NULL
        UNION ALL
        (
            SELECT DISTINCT ON (c.thread_id)
                CASE k.author_id WHEN %(demo)s THEN 'comment' ELSE 'tracked' END,
                c.thread_id, NULL, c.thread_id, c.id, c.created_at
            FROM kwips_kwip c
            JOIN kwips_kwip k ON k.id = c.thread_id
            LEFT JOIN kwips_track t ON t.kwip_id = k.id AND t.user_id = %(demo)s
            WHERE (k.author_id = %(demo)s OR t.is_on)
              AND c.author_id <> %(demo)s
              AND c.id > coalesce(
                (SELECT max(o.id) FROM kwips_kwip o WHERE o.thread_id = k.id AND o.author_id = %(demo)s),
                0
              )
              AND NOT EXISTS (SELECT FROM kwips_mention m WHERE m.kwip_id = c.id AND m.user_id = %(demo)s)
            ORDER BY c.thread_id, c.id
        )
    ) happened
    ORDER BY moment DESC
    LIMIT %(newest)s
) newest
ORDER BY moment
"""


def notify(*, people: Sequence[int], since_kwip: int, until: datetime.datetime) -> None:
    """Adds who tracks the kwips from ``since_kwip`` on, and newest notices and digests of these people."""
    with connection.cursor() as cursor:
        cursor.execute(_TRACK, {"since": since_kwip})
        for person in people:
            cursor.execute(_NOTIFY, {"demo": person, "newest": NEWEST, "new": until - NEW})
    Preferences.objects.bulk_create(
        Preferences(user_id=person, digest=digest, hour=hour, time_zone=zone)
        for person, (digest, hour, zone) in zip(people[1:], OTHERS, strict=False)
    )
