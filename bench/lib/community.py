"""The community that timelines and pages are measured on: the demo's, with people who fell silent.

Its shares are about a twentieth of its kwips.

`template` makes it once, in a process of its own (`python -m bench.lib.community KWIPS`); each run measures
a copy.
"""

import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from bench.lib import database
from bench.lib.database import ROOT, Server

PEOPLE = 20_000
KWIPS = {"small": 200_000, "full": 2_000_000}
# How many people the viewers follow. For each number there are two viewers: of active and of dormant people.
FOLLOWEES = (10, 100, 1_000, 5_000)
DORMANT = 5_000
SEED = 2008
# Dormant people published only in the first fifth of all kwips.
SILENT_AFTER = 0.2

type Viewers = dict[tuple[int, str], int]


@contextmanager
def community(server: Server, subject: str, *, kwips: int) -> Iterator[None]:
    """A copy of the community for one run of the subject, which may write into it. Sets Django up."""
    import django

    name = template(server, kwips=kwips)
    with database.copied(server, name, subject):
        django.setup()
        yield


def template(server: Server, *, kwips: int) -> str:
    """The name of the template with so many kwips, made unless it is there."""
    family = f"community_{kwips}"
    name = f"{family}_{recipe()}"

    def fill(unfinished: str) -> None:
        words = [sys.executable, "-m", "bench.lib.community", str(kwips)]
        environment = os.environ | {"DATABASE_NAME": unfinished}
        # Its output is progress. The standard output of a subject may be read by a program.
        subprocess.run(words, cwd=ROOT, env=environment, stdout=sys.stderr, check=True)

    server.template(name, family=family, fill=fill)
    return name


def recipe() -> str:
    """A digest of this file and the tables, on which the community depends."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted(ROOT.glob("apps/**/migrations/*.py")):
        digest.update(path.read_bytes())
    for package in ("django", "django-allauth"):
        digest.update(version(package).encode())
    return digest.hexdigest()[:8]


def viewers() -> Viewers:
    """User ids by how many people they follow, and of what kind ("active", "dormant")."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT followees, kind, user_id FROM bench_viewer")
        return {(followees, kind): user_id for followees, kind, user_id in cursor.fetchall()}


def fill(kwips: int) -> None:
    """Fills the database that Django's settings name, which is empty."""
    import django
    from django.core.management import call_command
    from django.db import connection

    # The bench of search indexes its own copy.
    os.environ["SEARCH_INDEX"] = "0"
    django.setup()
    call_command("migrate", verbosity=0)
    call_command("populate", people=PEOPLE, kwips=kwips, seed=SEED)
    with connection.cursor() as cursor:
        # VACUUM marks no page all-visible before the commits of its rows are on disk, and this server commits
        # asynchronously.
        cursor.execute("SET synchronous_commit = on")
        silent = _silence(cursor, DORMANT)
        _make_viewers(cursor, FOLLOWEES, silent, random.Random(SEED))
        _materialise(cursor)
        cursor.execute("VACUUM (ANALYZE)")


def _silence(cursor, number: int) -> list[int]:  # type: ignore[no-untyped-def]
    """Makes the least active authors dormant: their later kwips are given to the most active authors."""
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
    # A dormant person without an earlier kwip gets one of the oldest.
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
    # Their later shares go too; and shares name their kwip's author, who is no sharer of it.
    cursor.execute(
        """
        WITH latest AS (SELECT min(id) + (max(id) - min(id)) * %s AS id FROM kwips_kwip)
        DELETE FROM kwips_share s USING latest WHERE s.sharer_id = ANY(%s) AND s.id > latest.id
        """,
        [SILENT_AFTER, silent],
    )
    cursor.execute(
        "DELETE FROM kwips_share s USING kwips_kwip k WHERE k.id = s.kwip_id AND k.author_id = s.sharer_id"
    )
    cursor.execute(
        """
        UPDATE kwips_share s SET author_id = k.author_id
        FROM kwips_kwip k WHERE k.id = s.kwip_id AND k.author_id <> s.author_id
        """
    )
    cursor.execute(
        """
        UPDATE kwips_kwip k SET shares_count = counted.number
        FROM (
            SELECT k.id, count(s.id) AS number FROM kwips_kwip k LEFT JOIN kwips_share s ON s.kwip_id = k.id
            GROUP BY k.id
        ) counted
        WHERE counted.id = k.id AND counted.number <> k.shares_count
        """
    )
    return silent


def _make_viewers(  # type: ignore[no-untyped-def]
    cursor, followees: Sequence[int], silent: list[int], chance: random.Random
) -> None:
    """Adds viewers: people without kwips who follow so many active or so many dormant people."""
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
    """The table of the materialised rival: as a fan-out on write of kwips and shares would have filled it."""
    cursor.execute("CREATE TABLE bench_timeline (owner_id bigint, place bigint, kwip_id bigint)")
    cursor.execute(
        """
        INSERT INTO bench_timeline
        SELECT v.user_id, k.id, k.id FROM bench_viewer v
        JOIN graph_follow f ON f.follower_id = v.user_id
        JOIN kwips_kwip k ON k.author_id = f.followee_id AND k.thread_id IS NULL
        UNION ALL
        SELECT v.user_id, min(s.id), s.kwip_id FROM bench_viewer v
        JOIN graph_follow f ON f.follower_id = v.user_id
        JOIN kwips_share s ON s.sharer_id = f.followee_id
        WHERE NOT EXISTS (
            SELECT FROM graph_follow f WHERE f.follower_id = v.user_id AND f.followee_id = s.author_id
        )
        GROUP BY v.user_id, s.kwip_id
        ORDER BY 2
        """
    )
    cursor.execute("CREATE INDEX bench_timeline_page ON bench_timeline (owner_id, place DESC)")


if __name__ == "__main__":
    fill(int(sys.argv[1]))
