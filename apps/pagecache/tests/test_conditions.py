"""Who has a page already is told so: by its tag, or, where no tag is sent, by its date."""

import pytest

from apps.pagecache.tests.conftest import Visitor, keep
from apps.pagecache.tests.urls import DATED

DATED_PAGE, PLAIN = "/faulty/dated/", "/ann/"
SAME, LATER, EARLIER = DATED, "Thu, 26 Nov 2026 05:00:01 GMT", "Thu, 26 Nov 2026 04:59:59 GMT"
SAME_IN_OTHER_WORDS = "Thursday, 26-Nov-26 05:00:00 GMT"


@pytest.mark.parametrize("accept", ["", "gzip"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("path", "tag", "since", "unmodified"),
    [
        (DATED_PAGE, None, SAME, True),
        (DATED_PAGE, None, SAME_IN_OTHER_WORDS, True),
        # Where the newest entry goes, the date of a page goes back.
        (DATED_PAGE, None, LATER, False),
        (DATED_PAGE, None, EARLIER, False),
        (DATED_PAGE, None, "yesterday", False),
        (DATED_PAGE, None, "Thu, 99 Nov 2026 05:00:00 GMT", False),
        (DATED_PAGE, "right", EARLIER, True),
        (DATED_PAGE, "right", SAME, True),
        (DATED_PAGE, "wrong", SAME, False),
        (DATED_PAGE, "wrong", EARLIER, False),
        # Without a date there is none to compare with.
        (PLAIN, None, SAME, False),
        (PLAIN, "right", EARLIER, True),
    ],
)
def test_a_condition_is_met_or_not(
    visitor: Visitor, accept: str, method: str, path: str, tag: str | None, since: str, unmodified: bool
) -> None:
    keep(visitor, path)
    whole = visitor.get(path, HTTP_ACCEPT_ENCODING=accept)
    headers = {"HTTP_ACCEPT_ENCODING": accept, "HTTP_IF_MODIFIED_SINCE": since}
    if tag:
        headers["HTTP_IF_NONE_MATCH"] = dict(whole.headers)["ETag"] if tag == "right" else '"another"'
    answer = visitor.get(path, method=method, **headers)
    assert answer.status == ("304 Not Modified" if unmodified else "200 OK")
    assert answer.body == (b"" if unmodified or method == "HEAD" else whole.body)
    assert dict(answer.headers)["ETag"] == dict(whole.headers)["ETag"]
    assert dict(answer.headers)["Vary"] == "Accept-Encoding"
