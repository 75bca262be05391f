"""Conditional requests: by ETag, or by date where no ETag is sent."""

import pytest

from apps.pagecache.tests.conftest import Visitor, cache
from apps.pagecache.tests.urls import DATED

DATED_PAGE, UNDATED = "/faulty/dated/", "/ann/"
SAME, LATER, EARLIER = DATED, "Thu, 26 Nov 2026 05:00:01 GMT", "Thu, 26 Nov 2026 04:59:59 GMT"
SAME_IN_OTHER_WORDS = "Thursday, 26-Nov-26 05:00:00 GMT"


@pytest.mark.parametrize("accept", ["", "gzip"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("path", "tag", "since", "unmodified"),
    [
        (DATED_PAGE, None, SAME, True),
        (DATED_PAGE, None, SAME_IN_OTHER_WORDS, True),
        # The date moves back when the newest entry is deleted.
        (DATED_PAGE, None, LATER, False),
        (DATED_PAGE, None, EARLIER, False),
        (DATED_PAGE, None, "yesterday", False),
        (DATED_PAGE, None, "Thu, 99 Nov 2026 05:00:00 GMT", False),
        (DATED_PAGE, "right", EARLIER, True),
        (DATED_PAGE, "right", SAME, True),
        (DATED_PAGE, "wrong", SAME, False),
        (DATED_PAGE, "wrong", EARLIER, False),
        # A page without `Last-Modified`.
        (UNDATED, None, SAME, False),
        (UNDATED, "right", EARLIER, True),
    ],
)
def test_a_conditional_request_gets_a_304_or_the_page(
    visitor: Visitor, accept: str, method: str, path: str, tag: str | None, since: str, unmodified: bool
) -> None:
    cache(visitor, path)
    whole = visitor.get(path, HTTP_ACCEPT_ENCODING=accept)
    headers = {"HTTP_ACCEPT_ENCODING": accept, "HTTP_IF_MODIFIED_SINCE": since}
    if tag:
        headers["HTTP_IF_NONE_MATCH"] = dict(whole.headers)["ETag"] if tag == "right" else '"another"'
    response = visitor.get(path, method=method, **headers)
    assert response.status == ("304 Not Modified" if unmodified else "200 OK")
    assert response.body == (b"" if unmodified or method == "HEAD" else whole.body)
    assert dict(response.headers)["ETag"] == dict(whole.headers)["ETag"]
    assert dict(response.headers)["Vary"] == "Accept-Encoding"
