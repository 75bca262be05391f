"""The query plan of each timeline, on a large community."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from apps.feeds import first_pages, plans, queries
from apps.feeds.queries import PAGE_SIZE, WINDOW, Timeline
from apps.keyset import Seek

LARGE = {
    "accounts_user", "graph_follow", "kwips_kwip", "kwips_favourite", "kwips_kwiptag", "kwips_share",
    "kwips_bookmark",
}  # fmt: skip
LISTS = ("kwips_kwip", "kwips_share")
LIMIT = PAGE_SIZE + 1
DEEP = 500

NOT_ALL_VISIBLE = "SELECT relname FROM pg_class WHERE relname = ANY (%s) AND relallvisible < relpages"
POPULATED = (Path(__file__).parent / "populated.sql").read_text()


def timelines_of(one: int, two: int, three: int) -> dict[str, Timeline]:
    return {
        "everyone": queries.everyone(viewer_id=three),
        "everyone, anonymous": queries.everyone(viewer_id=None),
        "everyone, active": queries.everyone(viewer_id=three, sort="active"),
        "person": queries.person(viewer_id=three, person_id=1500),
        "person, active": queries.person(viewer_id=three, person_id=1500, sort="active"),
        "comments": queries.comments(viewer_id=three, person_id=1500),
        "favourites": queries.favourites(viewer_id=three, person_id=5),
        "shares": queries.shares(viewer_id=three, person_id=6),
        "bookmarks": queries.bookmarks(viewer_id=three),
        "tag": queries.tag(viewer_id=three, name="tag1"),
        "conversation": queries.conversation(viewer_id=three, thread_id=39999),
        "network of a hundred": queries.network(viewer_id=three, following_count=100),
        "network of a hundred, active": queries.network(viewer_id=three, following_count=100, sort="active"),
        "network of thousands": queries.network(viewer_id=one, following_count=2000),
        "network of thousands, active": queries.network(viewer_id=one, following_count=2000, sort="active"),
        "network of the silent": queries.network(viewer_id=two, following_count=1000),
        "network of the silent, active": queries.network(viewer_id=two, following_count=1000, sort="active"),
        "news of a network": queries.network_unseen(viewer_id=one, following_count=2000),
        "news of a network, active": queries.network_unseen(
            viewer_id=one, following_count=2000, sort="active"
        ),
    }


TIMELINES = timelines_of(1, 2, 3)
# Of people who follow the same people, and mute and block as many as one can.
MUTERS = timelines_of(4001, 4002, 4003)
MUTED = """
INSERT INTO accounts_user (
    id, username, email, password, display_name, bio, avatar, version, is_active, is_staff, is_superuser,
    kwips_count, comments_count, favourites_count, followers_count, following_count
)
SELECT 4000 + i, 'muter' || i, 'muter' || i || '@example.org', '!', '', '', '', 1, true, false, false,
       0, 0, 0, 0, 0
FROM generate_series(1, 3) i;
INSERT INTO graph_follow (follower_id, followee_id)
SELECT 4000 + follower_id, followee_id FROM graph_follow WHERE follower_id <= 3;
INSERT INTO graph_block (blocker_id, blocked_id)
SELECT 4000 + viewer, 3800 + i FROM generate_series(1, 3) viewer, generate_series(1, 200) i;
INSERT INTO graph_mute (muter_id, muted_id, is_muffled, ends_at)
SELECT 4000 + viewer, 3500 + i, i % 2 = 0, CASE WHEN i % 3 = 0 THEN now() + interval '1 hour' END
FROM generate_series(1, 3) viewer, generate_series(1, 200) i;
INSERT INTO graph_mutedconversation (muter_id, kwip_id, is_muffled)
SELECT 4000 + viewer, i, i % 2 = 0 FROM generate_series(1, 3) viewer, generate_series(1, 200) i;
INSERT INTO graph_mutedword (muter_id, word, folded, is_tag, is_muffled)
SELECT 4000 + viewer, 'word' || i, 'word' || i, i % 4 > 1, i % 2 = 0
FROM generate_series(1, 3) viewer, generate_series(1, 200) i;
"""
# Plan 2: the number of people bounds its cost.
FALLBACK = {"network_people", "network_people_active"}
ONE_QUERY = {name for name in TIMELINES if "silent" not in name and "news" not in name}


@pytest.fixture(scope="module")
def populated(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Data for all tests of the module: VACUUM does not run inside the transaction of a test."""
    with django_db_blocker.unblock():
        try:
            with connection.cursor() as cursor:
                _populate(cursor)
            yield
        finally:
            _empty()


def _populate(cursor: Any) -> None:
    # VACUUM marks no page all-visible before the commits of its rows are on disk, and the test
    # server commits asynchronously: chance would decide whether an index-only scan looks expensive.
    # The session may hold plans of foreign keys' checks that were made for nearly empty tables: minutes.
    cursor.execute("SET synchronous_commit = on; SET statement_timeout = 0; DISCARD PLANS")
    cursor.execute(POPULATED + MUTED)
    # FREEZE waits for a page that another process pins. Without INDEX_CLEANUP a page with a few rows that
    # earlier tests rolled back is left as it is.
    cursor.execute("VACUUM (FREEZE, ANALYZE, INDEX_CLEANUP ON)")
    cursor.execute(NOT_ALL_VISIBLE, [list(LARGE)])
    assert cursor.fetchall() == []
    cursor.execute("RESET synchronous_commit; RESET statement_timeout")


def _empty() -> None:
    tables = ", ".join(
        model._meta.db_table
        for label in ("accounts", "graph", "kwips")
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
    )
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {tables} CASCADE")
        cursor.execute("ANALYZE")


@pytest.fixture(params=["force_custom_plan", "force_generic_plan"])
def planned(populated: None, db: None, request: pytest.FixtureRequest) -> None:
    """A prepared statement first has custom plans, later a generic plan."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL plan_cache_mode = {request.param}")


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from nodes(child)


def seeks(timeline: Timeline) -> dict[str, Seek]:
    """The first page, one up to 500 kwips further down, and backward from there."""
    order = timeline.order
    first = Seek(order, order.start, backward=False, limit=LIMIT)
    above = timeline.fetch(Seek(order, order.start, backward=False, limit=DEEP + LIMIT))
    deep = order.position_of(above[max(0, len(above) - LIMIT - 1)])
    return {
        "first": first,
        "deep": Seek(order, deep, backward=False, limit=LIMIT),
        "back": Seek(order, deep, backward=True, limit=LIMIT),
    }


def all_plans(name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for where, seek in seeks(TIMELINES[name]).items():
        for file, statement in plans.statements(TIMELINES[name], seek).items():
            yield where, file, plans.plan(statement)


def blocks(plan: dict[str, Any]) -> int:
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


@pytest.mark.parametrize("name", TIMELINES)
def test_no_large_table_is_read_from_end_to_end(planned, name) -> None:
    for where, file, plan in all_plans(name):
        for node in nodes(plan):
            if node.get("Relation Name") in LARGE:
                # The followees may be read at once: at most 5,000 rows, by an index.
                together = (node["Relation Name"], node["Node Type"]) == ("graph_follow", "Bitmap Heap Scan")
                assert together or node["Node Type"] in ("Index Scan", "Index Only Scan"), (where, file)


@pytest.fixture
def unanalyzed(planned: None) -> None:
    """Without statistics, as after a restore that did not end with ANALYZE."""
    with connection.cursor() as cursor:
        for table in sorted(LARGE):
            cursor.execute("SELECT pg_clear_relation_stats('public', %s)", [table])
            cursor.execute(
                "SELECT pg_clear_attribute_stats('public', %s, attname, false) FROM pg_attribute"
                " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
                [table, table],
            )
        cursor.execute("SELECT count(*) FROM pg_stats WHERE tablename = ANY (%s)", [list(LARGE)])
        assert cursor.fetchone() == (0,)


# Without statistics these read whole tables: most people would be limited, and many shares be new.
WANT_STATISTICS = {
    "everyone", "everyone, anonymous", "everyone, active", "tag", "network of thousands",
    "network of the silent", "news of a network",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted({*TIMELINES} - WANT_STATISTICS))
def test_without_statistics_no_large_table_is_read_from_end_to_end(unanalyzed, name) -> None:
    for where, file, plan in all_plans(name):
        for node in nodes(plan):
            if node.get("Relation Name") in LARGE:
                assert node["Node Type"] != "Seq Scan", (where, file)


@pytest.mark.parametrize("name", TIMELINES)
def test_nothing_longer_than_a_page_is_sorted(planned, name) -> None:
    for where, file, plan in all_plans(name):
        for node in nodes(plan):
            if node["Node Type"] in ("Sort", "Incremental Sort"):
                assert file in FALLBACK or node["Plans"][0]["Actual Rows"] <= LIMIT, (where, file, node)
                assert node["Sort Method"] in ("top-N heapsort", "quicksort"), (where, file, node)
                assert node["Actual Rows"] <= LIMIT, (where, file, node)


@pytest.mark.parametrize("name", TIMELINES)
def test_ids_are_found_in_the_index_alone(planned, name) -> None:
    for where, file, plan in all_plans(name):
        scans = [node for node in nodes(plan) if node.get("Relation Name") in LISTS]
        # Of the newest shares, which are few and lie side by side, the rows are read.
        scans = [node for node in scans if node["Index Name"] != "kwips_share_pkey"]
        by_key = [node for node in scans if node["Index Name"] == "kwips_kwip_pkey"]
        assert all(node["Node Type"] == "Index Only Scan" for node in scans if node not in by_key), (
            where,
            file,
        )
        # Once for the visibility of tagged, marked or shared kwips, once for the versions.
        assert sum(node["Actual Rows"] * node["Actual Loops"] for node in by_key) <= 5 * LIMIT, (where, file)


@pytest.mark.parametrize("name", TIMELINES)
def test_no_more_rows_are_read_than_the_plan_allows(planned, name) -> None:
    for where, file, plan in all_plans(name):
        read = sum(
            (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
            for node in nodes(plan)
            if node.get("Relation Name") in LISTS
            # The lookups of single rows.
            and node.get("Index Name") not in ("kwips_kwip_pkey", "share_once")
        )
        if file in FALLBACK:
            assert read <= 2_001 + LIMIT * (LIMIT + 2), (where, file)
        elif file.startswith(("network_window", "window_end")):
            # A merge reads each list one row ahead.
            assert read <= WINDOW + len(LISTS), (where, file)
        else:
            assert read <= 3 * LIMIT, (where, file)


@pytest.mark.parametrize("name", sorted(ONE_QUERY))
def test_a_deep_page_reads_no_more_blocks_than_the_first(planned, name) -> None:
    read = {where: blocks(plan) for where, _, plan in all_plans(name)}
    assert read["deep"] <= 1.5 * read["first"] + 10, read
    assert read["back"] <= 1.5 * read["first"] + 10, read


def test_each_network_takes_the_plan_that_suits_it(planned) -> None:
    def files(name: str) -> list[str]:
        timeline = TIMELINES[name]
        return list(plans.statements(timeline, seeks(timeline)["first"]))

    assert files("network of a hundred") == ["network_people"]
    assert files("network of thousands") == ["network_window"]
    assert files("network of the silent") == ["network_window", "network_people"]


@pytest.mark.parametrize("viewer", [1, 2])
def test_a_page_from_a_kept_one_costs_the_same_for_any_number_of_followees(planned, viewer) -> None:
    order = queries.network(viewer_id=viewer, following_count=0).order
    with patch.object(queries, "FEW_FOLLOWEES", 10_000):
        timeline = queries.network(viewer_id=viewer, following_count=2_000)
        ids = [it.place for it in timeline.fetch(Seek(order, order.start, backward=False, limit=LIMIT))]
    floor = 40_000 - first_pages.RENEWED_AFTER
    below = [place for place in ids if place is not None and place <= floor]
    kept = first_pages.Kept(first_pages._horizon(viewer).graph, floor, below, False, 0, 0)
    joined = Timeline(order, lambda seek: first_pages.joined(seek, viewer, kept)[0] or [])
    seek = Seek(order, order.start, backward=False, limit=LIMIT)
    assert [it.place for it in joined.fetch(seek)] == ids
    [(file, statement)] = plans.statements(joined, seek).items()
    plan = plans.plan(statement)
    assert file == "network_kept"
    assert blocks(plan) <= 1_200
    for node in nodes(plan):
        if node.get("Relation Name") in LARGE:
            assert node["Node Type"] in ("Index Scan", "Index Only Scan"), node
            assert node["Actual Rows"] <= first_pages.NEWER + 1, node
    used = {node["Index Name"] for node in nodes(plan) if node.get("Relation Name") in LISTS}
    assert used == {"kwip_everyone_by_id", "kwips_kwip_pkey", "kwips_share_pkey", "share_once"}


@pytest.mark.parametrize("name", TIMELINES)
def test_the_index_that_a_file_names_is_the_one_that_serves_it(planned, name) -> None:
    for where, file, plan in all_plans(name):
        named = (Path(queries.__file__).parent / "sql" / f"{file}.sql").read_text().partition("SELECT")[0]
        used = {node["Index Name"] for node in nodes(plan) if "Index Name" in node}
        lists = ("kwip_", "kwips_share_pkey", "share_person", "favourite_person", "bookmark_person")
        serving = {index for index in used if index.startswith(lists)}
        if file == "tag":
            assert "kwips_kwiptag_pkey" in used, (where, used)
        else:
            assert serving, (where, file, used)
        assert all(index in named for index in serving), (where, file, serving)


@pytest.mark.parametrize("name", [name for name in TIMELINES if "anonymous" not in name])
def test_with_two_hundred_mutes_of_each_kind_and_blocks_a_page_reads_little_more(planned, name) -> None:
    """The viewer's rows once for each place that compares them; text and tags of each kwip in question."""
    without, seek = TIMELINES[name], seeks(TIMELINES[name])["first"]
    before = {file: blocks(plans.plan(one)) for file, one in plans.statements(without, seek).items()}
    for file, statement in plans.statements(MUTERS[name], seek).items():
        people = 2_000 if "silent" in name else 100
        kwips = people + LIMIT * (LIMIT + 2) if file in FALLBACK else 3 * LIMIT
        more = blocks(plans.plan(statement)) - before[file]
        assert more <= 250 + 8 * kwips, (file, more)


def test_explainfeeds_prints_every_timeline(populated, db, capsys) -> None:
    call_command("explainfeeds", viewer="person2")
    printed = capsys.readouterr().out
    for file in (
        "everyone",
        "everyone_active",
        "person",
        "network_window",
        "network_people",
        "tag",
        "comments",
    ):
        assert f"── {file}.sql" in printed
    assert "Execution Time" in printed
