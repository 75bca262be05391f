"""Each write purges what it changes, and leaves what it does not: every action against every public page."""

import gzip
import io
from contextlib import nullcontext
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from tests.invalidation.every_action import ROWS, Row
from tests.invalidation.place import Place, asked, is_kept, make_place, site
from tests.support.concurrency import at_once, uncommitted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]


@pytest.fixture
def place() -> Place:
    return make_place()


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_an_action_purges_the_pages_that_it_changes_when_it_commits_and_no_others(
    place: Place, row: Row, settings: Any
) -> None:
    row.first(place)
    pages = place.pages
    kept = site()
    for path in pages:
        asked(kept, path, warm=True)
    # Not those of people who are switched off, and of what they wrote.
    pages = {path: families for path, families in pages.items() if is_kept(asked(kept, path))}
    with nullcontext() if row.durable else uncommitted():
        row.run(place)
        # Others read what was before, and it is kept: a purge before the commit would be undone by them.
        [before] = at_once([lambda: {path: asked(kept, path, warm=True) for path in pages}])
        assert {path for path, answer in before.items() if not is_kept(answer)} == set()
    answers = {path: asked(kept, path) for path in pages}
    expected = {path for path, families in pages.items() if row.is_purged(families)}
    assert {path for path, answer in answers.items() if not is_kept(answer)} == expected
    # What was left is what Django would show now.
    settings.PAGECACHE = settings.PAGECACHE | {"RELEASE": "afresh"}
    afresh = site()
    for path, answer in answers.items():
        assert answer.body == asked(afresh, path).body, path


def test_every_public_page_is_in_the_table(place: Place) -> None:
    """A page that is made public without a row above would be purged by nobody knows what."""
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

    in_table = {resolve(path.partition("?")[0]).url_name for path in place.pages}
    assert public(get_resolver().url_patterns) == in_table


def test_public_pages_read_no_session_and_hold_no_token(place: Place) -> None:
    warmed = site()
    for path in place.pages:
        answer = asked(warmed, path, warm=True)
        names = {name for name, _ in answer.headers}
        assert not names & {"Set-Cookie", "Server-Timing", "X-Request-ID"}, path
        body = gzip.decompress(answer.body) if dict(answer.headers).get("Content-Encoding") else answer.body
        assert b"csrf" not in body, path
        assert b"data-viewer" not in body, path


def test_popular_pages_can_be_warmed(place: Place) -> None:
    told = io.StringIO()
    call_command("warmpages", stdout=told)
    assert told.getvalue() == "10 pages rendered, 0 already cached, 0 not public.\n"
    warmed = site()
    for path in ("/", "/everyone/", "/ann/", "/bob/", "/tag/tea/", f"/ann/kwip/{place.kwip.pk}/"):
        assert is_kept(asked(warmed, path)), path
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
