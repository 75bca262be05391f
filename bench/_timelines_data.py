"""The community that timelines are measured on: the populated one, with people who fell silent."""

import random
from collections.abc import Sequence

from django.core.management import call_command
from django.db import connection

# Where those who fell silent said their last word: in the first fifth of all kwips.
SILENT_AFTER = 0.2

type Viewers = dict[tuple[int, str], int]


def fill(*, people: int, kwips: int, followees: Sequence[int], dormant: int, seed: int) -> Viewers:
    """Fills the database with ``people`` and ``kwips``, unless it holds just that.

    Returns the viewers: user ids by how many they follow and of what kind ("active", "dormant").
    """
    with connection.cursor() as cursor:
        call_command("migrate", verbosity=0)
        if _filled_with(cursor, people, kwips):
            return _viewers(cursor)
        cursor.execute("TRUNCATE accounts_user, kwips_tag CASCADE")
        cursor.execute("DROP TABLE IF EXISTS bench_viewer, bench_timeline, bench_filled")
        call_command("populate", people=people, kwips=kwips, seed=seed)
        silent = _silence(cursor, dormant)
        _make_viewers(cursor, followees, silent, random.Random(seed))
        _materialise(cursor)
        cursor.execute("CREATE TABLE bench_filled AS SELECT %s AS people, %s AS kwips", [people, kwips])
        connection.commit()
        cursor.execute("VACUUM (ANALYZE)")
        return _viewers(cursor)


def _filled_with(cursor, people: int, kwips: int) -> bool:  # type: ignore[no-untyped-def]
    cursor.execute("SELECT to_regclass('bench_filled')")
    if cursor.fetchone()[0] is None:
        return False
    cursor.execute("SELECT people, kwips FROM bench_filled")
    return tuple(cursor.fetchone()) == (people, kwips)


def _silence(cursor, number: int) -> list[int]:  # type: ignore[no-untyped-def]
    """Makes the least active authors dormant: what they said lately was said by their neighbours."""
    cursor.execute(
        "SELECT id FROM accounts_user WHERE kwips_count > 0 ORDER BY kwips_count, id LIMIT %s", [number]
    )
    silent = [row[0] for row in cursor.fetchall()]
    cursor.execute(
        """
        WITH latest AS (SELECT min(id) + (max(id) - min(id)) * %s AS id FROM kwips_kwip),
             loud AS (
                SELECT id, row_number() OVER (ORDER BY kwips_count DESC, id) - 1 AS place
                FROM accounts_user ORDER BY kwips_count DESC, id LIMIT 1000
             )
        UPDATE kwips_kwip k SET author_id = loud.id, audience_id = NULL, visibility = 0
        FROM loud, latest
        WHERE k.thread_id IS NULL AND k.author_id = ANY(%s) AND k.id > latest.id AND loud.place = k.id %% 1000
        """,
        [SILENT_AFTER, silent],
    )
    # Whoever said nothing before that says one thing at the very beginning.
    cursor.execute(
        """
        WITH quiet AS (
            SELECT u.id, row_number() OVER (ORDER BY u.id) AS place
            FROM accounts_user u
            WHERE u.id = ANY(%s) AND NOT EXISTS (
                SELECT FROM kwips_kwip k WHERE k.author_id = u.id AND k.thread_id IS NULL
            )
        ), old AS (
            SELECT k.id, row_number() OVER (ORDER BY k.id) AS place FROM kwips_kwip k
            WHERE k.thread_id IS NULL AND NOT k.author_id = ANY(%s)
            ORDER BY k.id LIMIT %s
        )
        UPDATE kwips_kwip k SET author_id = quiet.id, audience_id = NULL, visibility = 0
        FROM quiet JOIN old USING (place) WHERE k.id = old.id
        """,
        [silent, silent, number],
    )
    return silent


def _make_viewers(  # type: ignore[no-untyped-def]
    cursor, followees: Sequence[int], silent: list[int], chance: random.Random
) -> None:
    """New people who follow so many active or dormant ones and have said nothing themselves."""
    cursor.execute(
        "SELECT id FROM accounts_user WHERE NOT id = ANY(%s) ORDER BY kwips_count DESC, id LIMIT 8000",
        [silent],
    )
    active = [row[0] for row in cursor.fetchall()]
    cursor.execute("CREATE TABLE bench_viewer (user_id bigint, followees int, kind text)")
    for kind, crowd in (("active", active), ("dormant", silent)):
        for number in followees:
            cursor.execute(
                """
                INSERT INTO accounts_user (username, email, password, display_name, bio, avatar, version,
                    kwips_count, comments_count, favourites_count, followers_count, following_count,
                    is_active, is_staff, is_superuser)
                VALUES (%(name)s, %(name)s || '@bench.example', '!', '', '', '', 1, 0, 0, 0, 0, %(number)s,
                    true, false, false)
                RETURNING id
                """,
                {"name": f"bench_{kind}_{number}", "number": number},
            )
            viewer = cursor.fetchone()[0]
            cursor.execute(
                "INSERT INTO graph_follow (follower_id, followee_id) SELECT %s, unnest(%s::bigint[])",
                [viewer, sorted(chance.sample(crowd, number))],
            )
            cursor.execute("INSERT INTO bench_viewer VALUES (%s, %s, %s)", [viewer, number, kind])


def _materialise(cursor) -> None:  # type: ignore[no-untyped-def]
    """The rival: a table filled on write, as if it had been there all the time."""
    cursor.execute("CREATE TABLE bench_timeline (owner_id bigint, kwip_id bigint)")
    cursor.execute(
        """
        INSERT INTO bench_timeline
        SELECT v.user_id, k.id FROM bench_viewer v
        JOIN graph_follow f ON f.follower_id = v.user_id
        JOIN kwips_kwip k ON k.author_id = f.followee_id AND k.thread_id IS NULL
        ORDER BY k.id
        """
    )
    cursor.execute("CREATE INDEX bench_timeline_page ON bench_timeline (owner_id, kwip_id DESC)")


def _viewers(cursor) -> Viewers:  # type: ignore[no-untyped-def]
    cursor.execute("SELECT followees, kind, user_id FROM bench_viewer")
    return {(followees, kind): user_id for followees, kind, user_id in cursor.fetchall()}
