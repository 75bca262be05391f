"""The plans of search: by its indexes, in steps, and no further than the page."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection

from apps.feeds import plans
from apps.keyset import SMALLEST
from apps.search import queries, statements
from apps.search.query import parse
from apps.search.slices import DAYS, IDS, steps

# Every kwip has "common", one in 5,000 has "rare".
POPULATED = """
INSERT INTO accounts_user (
    id, username, email, password, display_name, bio, avatar, version, is_active, is_staff, is_superuser,
    kwips_count, comments_count, favourites_count, followers_count, following_count
)
SELECT i, 'person' || i, 'person' || i || '@example.org', '!', '', '', '', 1, true, false, false,
       0, 0, 0, 0, 0
FROM generate_series(1, 3000) i;
INSERT INTO search_personname (user_id, name)
SELECT id, substr(md5(username), 1, 8) || ' ' || substr(md5(email), 1, 8) FROM accounts_user;
INSERT INTO kwips_kwip (
    id, author_id, visibility, text, form_key, created_at, last_active_at, version,
    comments_count, favourites_count
)
SELECT i, 1 + i % 3000, 0, 'common', gen_random_uuid(), now(), now(), 1, 0, 0
FROM generate_series(1, 60000) i;
INSERT INTO search_entry (kwip_id, words)
SELECT made.id, (
    'common word' || made.id || CASE WHEN made.id % 5000 = 0 THEN ' rare' ELSE '' END
)::tsvector || {slices}
FROM kwips_kwip made
"""
LARGE = {"accounts_user", "kwips_kwip", "search_entry", "search_personname", "search_tagname"}


@pytest.fixture(scope="module")
def populated(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        slices = statements.SQL.fragments["slices"].text
        cursor.execute(POPULATED.replace("{slices}", slices))
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("RESET statement_timeout")
        yield
        cursor.execute("TRUNCATE accounts_user, kwips_kwip, search_entry, search_personname CASCADE")
        cursor.execute("ANALYZE")


@pytest.fixture(params=["force_custom_plan", "force_generic_plan"])
def planned(populated: None, db: None, request: pytest.FixtureRequest) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL plan_cache_mode = {request.param}")


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from nodes(child)


def plan(text: str) -> tuple[list[int], list[dict[str, Any]]]:
    """The ids of the first page, and the nodes of the plan that found them."""
    sent: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        sent.append((sql.rpartition("; ")[2], params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        found = [int(entry.id) for entry in queries.kwips(parse(text), {}, viewer=None, keep={})]
    explained = list(nodes(plans.plan(sent[-1])))
    return found, explained


@pytest.mark.parametrize(
    "text", ["common", "rare", "word77", "common rare", '"common rare"', "from:person7 common"]
)
def test_no_large_table_is_read_from_end_to_end(planned: None, text: str) -> None:
    _, explained = plan(text)
    assert explained
    scans = {
        (node["Relation Name"], node["Node Type"]) for node in explained if node.get("Relation Name") in LARGE
    }
    assert scans <= {
        ("search_entry", "Bitmap Heap Scan"), ("kwips_kwip", "Index Scan"), ("accounts_user", "Index Scan"),
        ("accounts_user", "Index Only Scan"), ("kwips_kwip", "Index Only Scan"),
    }  # fmt: skip


def rows_of(explained: list[dict[str, Any]], relation: str) -> float:
    return sum(
        node["Actual Rows"] * node["Actual Loops"]
        for node in explained
        if node.get("Relation Name") == relation
    )


def test_a_common_word_reads_the_newest_slices_and_looks_up_one_page(planned: None) -> None:
    found, explained = plan("common")
    assert found == list(range(60000, 60000 - queries.PAGE_SIZE, -1))
    assert rows_of(explained, "search_entry") <= 5 * IDS.size(0)
    assert rows_of(explained, "kwips_kwip") <= 3 * (queries.PAGE_SIZE + 1)


def test_a_rare_word_is_read_to_its_end_by_its_matches_alone(planned: None) -> None:
    found, explained = plan("rare")
    assert found == list(range(60000, 0, -5000))
    # The last step reads all of them again.
    assert rows_of(explained, "search_entry") <= 2 * len(found)


@pytest.mark.parametrize("name", ["d8ca9f51", "d8ca", "7"])
def test_names_are_found_by_their_indexes(planned: None, name: str) -> None:
    statement = statements.SQL.statement("people")
    with connection.cursor() as cursor:
        # These few names would be read from end to end.
        cursor.execute("SET LOCAL enable_seqscan = off")
    parameters = {"name": name, "end": f"{name}\U0010ffff", "viewer": 0, "limit": 40}
    relations = [
        node for node in nodes(plans.plan((statement.text, parameters))) if node.get("Relation Name") in LARGE
    ]
    assert {node["Node Type"] for node in relations if node["Relation Name"] == "search_personname"} <= {
        "Bitmap Heap Scan", "Index Scan", "Index Only Scan",
    }  # fmt: skip


@pytest.mark.parametrize("is_ascending", [True, False])
@pytest.mark.parametrize("newest", [0, 1, 1_023, 1_024, 70_000, 5_000_000, 3 * 10**9])
def test_the_steps_are_all_ids_beyond_the_position_once_and_few(newest: int, is_ascending: bool) -> None:
    for position in {-(10**15), 0, 1, 1_000, newest // 2, newest, newest + 1, 2**63 - 1}:
        walk = list(steps(position, newest, is_ascending=is_ascending))
        assert len(walk) <= len(IDS.signs) + 2
        assert sum(len(step.slices) for step in walk) <= 6 * len(IDS.signs)
        ends = sorted((step.low, step.high) for step in walk)
        assert all(one[1] == other[0] for one, other in pairwise(ends))
        if is_ascending:
            assert walk[0].low <= position + 1
            assert walk[-1].high > newest
        else:
            assert walk[0].high >= min(position, newest + 1)
            assert walk[-1].low == SMALLEST
        # Each next step is a few times as long as all before it, except the rest.
        for step in walk[:-1]:
            if step.low < 0:
                continue  # imported kwips have no step of their own
            assert step.slices
            size = IDS.size(IDS.signs.index(step.slices[0][0]))
            numbers = [int(lexeme[1:], 16) for lexeme in step.slices]
            assert min(numbers) * size <= step.low
            assert (max(numbers) + 1) * size >= step.high


def test_a_range_of_days_is_covered_by_few_slices_and_nothing_else() -> None:
    for low, high in ((0, 9_000), (8_888, 9_500), (9_000, 9_001), (7, 7), (1, 4_095), (511, 513)):
        covered: list[int] = []
        for lexeme in DAYS.covering(low, high):
            size = DAYS.size(DAYS.signs.index(lexeme[0]))
            first = int(lexeme[1:], 16) * size
            covered += range(first, first + size)
        assert sorted(covered) == list(range(low, high))
        assert len(DAYS.covering(low, high)) <= 64
