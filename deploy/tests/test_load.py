"""The load of the rehearsal: what it says of failed requests."""

from typing import cast

import pytest

from deploy.rehearse.load import Load
from deploy.rehearse.stack import RehearsalError, Stack


def test_a_failed_request_is_named_with_the_time_when_it_ended() -> None:
    load = Load(cast("Stack", None), [])
    load._note("read", lambda: 200)
    load._note("write", lambda: 503)
    with pytest.raises(
        RehearsalError, match=r"1 of 2 requests failed: \['write: 503'\] \(..:..:..\.\d+ after"
    ) as raised:
        load.clean(0, "while nothing happened", "web")
    assert raised.value.service == "web"


def test_requests_that_succeed_are_counted() -> None:
    load = Load(cast("Stack", None), [])
    load._note("read", lambda: 302)
    assert load.clean(0, "while nothing happened", "web") == 1
