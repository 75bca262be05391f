"""The ways to read one page of a timeline."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bench.lib.measure import Call

PAGE = 20
DEEPEST = 1_000


@dataclass(frozen=True)
class Cell:
    """A viewer (how many people they follow, of what kind) and the page that they read."""

    followees: int
    kind: str
    deep: bool

    @property
    def name(self) -> str:
        return f"{self.followees} {self.kind}, {'deep' if self.deep else 'page 1'}"


def network_rivals(viewer_id: int, cell: Cell) -> dict[str, Call]:
    """The ways to read one page of one person's network, by name."""
    from django.core.paginator import Paginator

    from apps import lookaside
    from apps.accounts.models import User
    from apps.feeds import queries
    from apps.graph.models import Follow
    from apps.keyset import Seek
    from apps.kwips.models import Kwip

    viewer = User.objects.get(pk=viewer_id)
    timeline = queries.network(viewer_id=viewer_id, following_count=viewer.following_count)
    number, cursor = page_of(viewer_id, deep=cell.deep)
    seek = Seek(timeline.order, (cursor,), backward=False, limit=PAGE + 1)
    parameters = {"viewer": viewer_id, "cursor": cursor, "limit": PAGE + 1}

    def orm() -> object:
        # Without shares: their rule is beyond a queryset.
        followees = Follow.objects.filter(follower=viewer_id).values("followee")
        network = Kwip.objects.filter(thread=None, author__in=followees) | Kwip.objects.filter(
            thread=None, author=viewer_id
        )
        pages = Paginator(network.select_related("author").order_by("-id"), PAGE)
        page = pages.page(min(number, pages.num_pages))
        return [kwip.pk for kwip in page], page.has_next()

    rivals: dict[str, Call] = {
        "ours": lambda: [entry.place for entry in timeline.fetch(seek)],
        "plain IN": lambda: rows(PLAIN_IN, parameters),
        "plain LATERAL": lambda: rows(PLAIN_LATERAL, parameters),
        "materialised": lambda: rows(MATERIALISED, parameters),
        "ORM and Paginator": orm,
    }

    def our_two_plans() -> object:
        with lookaside.bypassed():
            return [entry.place for entry in timeline.fetch(seek)]

    if viewer.following_count > queries.FEW_FOLLOWEES:
        rivals["our two plans"] = our_two_plans
        rivals["our window alone"] = lambda: queries.run(
            "network_window", seek, viewer_id=viewer_id, window=queries.WINDOW
        )
    return rivals


def keep(viewer_ids: Iterable[int]) -> None:
    """Has the cache hold the first pages of these viewers, read now."""
    from apps import lookaside
    from apps.accounts.models import User
    from apps.feeds import queries

    lookaside.cache().clear()
    for viewer in User.objects.filter(pk__in=viewer_ids):
        queries.network(viewer_id=viewer.pk, following_count=viewer.following_count).page({})


def publish(number: int) -> None:
    """Publishes so many kwips and shares, by the authors of the newest ones."""
    from django.db import connection

    with connection.cursor() as cursor:
        shares = number // 20
        cursor.execute(_PUBLISH, {"number": number - shares})
        cursor.execute(_SHARE, {"number": shares})


def check_rivals_agree(rivals: dict[str, Call]) -> None:
    """Raises SystemExit where a rival returns another page: it would not be measured doing the same."""
    wanted = rivals["ours"]()
    for name in ("plain IN", "plain LATERAL", "materialised"):
        found = rivals[name]()
        if found != wanted:
            raise SystemExit(f"bench: {name} returns {found}, and ours {wanted}")


def everyone_rivals(kwips: int) -> dict[str, Call]:
    """Everyone's kwips with all that their cards show: by keyset and by Paginator."""
    from django.core.paginator import Paginator

    from apps.feeds import queries
    from apps.keyset import Seek
    from apps.kwips.models import Kwip
    from apps.kwips.queries import cards

    timeline = queries.everyone(viewer_id=None)
    everything = Kwip.objects.filter(thread=None).select_related("author").order_by("-id")

    def ours(cursor: int) -> Callable[[], object]:
        seek = Seek(timeline.order, (cursor,), backward=False, limit=PAGE + 1)
        return lambda: cards([entry.id for entry in timeline.fetch(seek)[:PAGE]])

    def orm(number: int) -> Callable[[], object]:
        return lambda: list(Paginator(everything, PAGE).page(number))

    deep = min(10_000, kwips // PAGE)
    below = everything.values_list("pk", flat=True)[(deep - 1) * PAGE - 1]
    return {
        "ours, page 1": ours(2**63 - 1),
        "ORM and Paginator, page 1": orm(1),
        f"ours, page {deep:,}": ours(below),
        f"ORM and Paginator, page {deep:,}": orm(deep),
    }


def page_of(viewer_id: int, *, deep: bool) -> tuple[int, int]:
    """The page's number and the id below which it begins."""
    if not deep:
        return 1, 2**63 - 1
    total = rows("SELECT count(*) FROM bench_timeline WHERE owner_id = %(viewer)s", {"viewer": viewer_id})[0]
    number = max(1, min(DEEPEST, total // PAGE))
    if number == 1:
        return 1, 2**63 - 1
    sql = """
        SELECT place FROM bench_timeline WHERE owner_id = %(viewer)s
        ORDER BY place DESC OFFSET %(skip)s LIMIT 1
    """
    return number, rows(sql, {"viewer": viewer_id, "skip": (number - 1) * PAGE - 1})[0]


def rows(sql: str, parameters: dict[str, Any]) -> list[int]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [row[0] for row in cursor.fetchall()]


_WITH_VERSIONS = """
    SELECT page.place, page.id, kwip.version, author.version
    FROM ({page}) AS page
    JOIN kwips_kwip AS kwip ON kwip.id = page.id
    JOIN accounts_user AS author ON author.id = kwip.author_id
    ORDER BY page.place DESC
"""
_FOLLOWED = "(SELECT f.followee_id FROM graph_follow f WHERE f.follower_id = %(viewer)s)"
# A share of the network: of a kwip from outside of it, and the first one of that kwip.
_IS_FIRST = f"""
    s.author_id <> %(viewer)s AND s.author_id NOT IN {_FOLLOWED}
    AND NOT EXISTS (
        SELECT FROM kwips_share earlier
        WHERE earlier.kwip_id = s.kwip_id AND earlier.id < s.id
          AND (earlier.sharer_id = %(viewer)s OR earlier.sharer_id IN {_FOLLOWED})
    )"""
PLAIN_IN = _WITH_VERSIONS.format(
    page=f"""
    (SELECT k.id AS place, k.id FROM kwips_kwip k
     WHERE k.thread_id IS NULL AND k.id < %(cursor)s
       AND (k.author_id = %(viewer)s OR k.author_id IN {_FOLLOWED})
     ORDER BY k.id DESC LIMIT %(limit)s)
    UNION ALL
    (SELECT s.id, s.kwip_id FROM kwips_share s
     WHERE s.id < %(cursor)s AND (s.sharer_id = %(viewer)s OR s.sharer_id IN {_FOLLOWED}) AND {_IS_FIRST}
     ORDER BY s.id DESC LIMIT %(limit)s)
    ORDER BY place DESC LIMIT %(limit)s"""
)
PLAIN_LATERAL = _WITH_VERSIONS.format(
    page=f"""
    SELECT k.place, k.id
    FROM (SELECT f.followee_id AS id FROM graph_follow f WHERE f.follower_id = %(viewer)s
          UNION ALL SELECT %(viewer)s) network
    CROSS JOIN LATERAL (
        (SELECT k.id AS place, k.id FROM kwips_kwip k
         WHERE k.thread_id IS NULL AND k.author_id = network.id AND k.id < %(cursor)s
         ORDER BY k.id DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT s.id, s.kwip_id FROM kwips_share s
         WHERE s.sharer_id = network.id AND s.id < %(cursor)s AND {_IS_FIRST}
         ORDER BY s.id DESC LIMIT %(limit)s)
    ) k
    ORDER BY k.place DESC LIMIT %(limit)s"""
)
MATERIALISED = _WITH_VERSIONS.format(
    page="""
    SELECT t.place, t.kwip_id AS id FROM bench_timeline t
    WHERE t.owner_id = %(viewer)s AND t.place < %(cursor)s
    ORDER BY t.place DESC LIMIT %(limit)s"""
)
_PUBLISH = """
    WITH made AS (
        INSERT INTO kwips_kwip (author_id, audience_id, visibility, text, form_key, created_at,
            last_active_at, version, comments_count, favourites_count)
        SELECT author_id, audience_id, visibility, text, gen_random_uuid(), now(), now(), 1, 0, 0
        FROM (SELECT * FROM kwips_kwip WHERE thread_id IS NULL ORDER BY id DESC LIMIT %(number)s) newest
        RETURNING id, author_id
    )
    INSERT INTO bench_timeline
    SELECT v.user_id, made.id, made.id
    FROM made
    JOIN graph_follow f ON f.followee_id = made.author_id
    JOIN bench_viewer v ON v.user_id = f.follower_id
    ORDER BY made.id
"""
# Old kwips that no one shared, by the authors of new ones.
_SHARE = """
    WITH made AS (
        INSERT INTO kwips_share (id, sharer_id, kwip_id, author_id)
        SELECT nextval('kwips_kwip_id_seq'), newest.author_id, shared.id, shared.author_id
        FROM (
            SELECT author_id, row_number() OVER () AS row
            FROM (SELECT * FROM kwips_kwip WHERE thread_id IS NULL ORDER BY id DESC LIMIT %(number)s) newest
        ) newest
        JOIN (
            SELECT id, author_id, row_number() OVER () AS row
            FROM (
                SELECT * FROM kwips_kwip
                WHERE thread_id IS NULL AND visibility = 0 AND shares_count = 0
                ORDER BY id DESC OFFSET 20000 LIMIT %(number)s
            ) old
        ) shared USING (row)
        WHERE newest.author_id <> shared.author_id
        ON CONFLICT DO NOTHING
        RETURNING id, sharer_id, kwip_id, author_id
    ), counted AS (
        UPDATE kwips_kwip SET shares_count = shares_count + 1 WHERE id IN (SELECT kwip_id FROM made)
    )
    INSERT INTO bench_timeline
    SELECT v.user_id, made.id, made.kwip_id
    FROM made
    JOIN graph_follow f ON f.followee_id = made.sharer_id
    JOIN bench_viewer v ON v.user_id = f.follower_id
    WHERE NOT EXISTS (
        SELECT FROM graph_follow f WHERE f.follower_id = v.user_id AND f.followee_id = made.author_id
    )
    ORDER BY made.id
"""
