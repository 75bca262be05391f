"""Every action against every public page: it purges the pages that it changes and no others."""

import gzip
import io
from contextlib import nullcontext
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from apps.keyset.cursor import AS_OF_CURSOR
from tests.invalidation.action_table import ROWS, Row
from tests.invalidation.scenario import Scenario, get, is_hit, make_scenario, site
from tests.support.concurrency import at_once, uncommitted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]


@pytest.fixture
def scenario() -> Scenario:
    return make_scenario()


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_an_action_purges_the_pages_that_it_changes_when_it_commits_and_no_others(
    scenario: Scenario, row: Row, settings: Any
) -> None:
    row.first(scenario)
    pages = scenario.pages
    cached = site()
    for path in pages:
        get(cached, path, warm=True)
    # Pages of deactivated people and of their kwips are not cached.
    pages = {path: families for path, families in pages.items() if is_hit(get(cached, path))}
    with nullcontext() if row.durable else uncommitted():
        row.run(scenario)
        # Readers before the commit cache the old page again; a purge before the commit would be undone.
        [before] = at_once([lambda: {path: get(cached, path, warm=True) for path in pages}])
        assert {path for path, answer in before.items() if not is_hit(answer)} == set()
    answers = {path: get(cached, path) for path in pages}
    expected = {path for path, families in pages.items() if row.is_purged(families)}
    assert {path for path, answer in answers.items() if not is_hit(answer)} == expected
    # Each page that was not purged equals a new render.
    settings.PAGECACHE = settings.PAGECACHE | {"RELEASE": "uncached"}
    uncached = site()
    for path in answers.keys() - expected:
        kept, rendered = answers[path].body, get(uncached, path).body
        assert AS_OF_CURSOR.sub(b"", kept) == AS_OF_CURSOR.sub(b"", rendered), path


def test_every_public_page_is_in_the_table(scenario: Scenario) -> None:
    """A public page outside the table would have no test of its purges."""
    from django.urls import get_resolver

    def public(patterns: list[Any]) -> set[str]:
        found: set[str] = set()
        for pattern in patterns:
            if hasattr(pattern, "url_patterns"):
                found |= public(pattern.url_patterns)
            elif hasattr(pattern.callback, "public_page"):
                found.add(pattern.name)
        return found

    from django.urls import resolve

    in_table = {resolve(path.partition("?")[0]).url_name for path in scenario.pages}
    assert public(get_resolver().url_patterns) == in_table


def test_public_pages_read_no_session_and_hold_no_token(scenario: Scenario) -> None:
    warmed = site()
    for path in scenario.pages:
        answer = get(warmed, path, warm=True)
        names = {name for name, _ in answer.headers}
        assert not names & {"Set-Cookie", "Server-Timing", "X-Request-ID"}, path
        body = gzip.decompress(answer.body) if dict(answer.headers).get("Content-Encoding") else answer.body
        assert b"csrf" not in body, path
        assert b"data-viewer" not in body, path


def test_popular_pages_can_be_warmed(scenario: Scenario) -> None:
    output = io.StringIO()
    call_command("warmpages", stdout=output)
    assert output.getvalue() == "10 pages rendered, 0 already cached, 0 not public.\n"
    warmed = site()
    for path in ("/", "/everyone/", "/ann/", "/bob/", "/tag/tea/", f"/ann/kwip/{scenario.kwip.pk}/"):
        assert is_hit(get(warmed, path)), path
    again = io.StringIO()
    call_command("warmpages", "/ann/", "/contact/", "/nobody/", "/bob/followers/", stdout=again, verbosity=2)
    assert again.getvalue().splitlines() == [
        "/ann/: hit",
        "/contact/: not public",
        "/nobody/: not public",
        "/bob/followers/: fwd=miss",
        "1 pages rendered, 1 already cached, 2 not public.",
    ]
    assert settings.PAGECACHE is not None
