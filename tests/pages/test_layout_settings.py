"""The layout of the settings in Chromium: one column, and a navigation of few lines that fits."""

import pytest
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from apps.accounts.settings_pages import SECTIONS
from tests.support.browser import OpenPage
from tests.support.people import PASSWORD, member

pytestmark = pytest.mark.django_db(transaction=True)

# Two lines of sections and two of pages on a phone.
MOST_HEIGHT = {320: 140, 1280: 85}
MEASURE = """() => {
  const [root, links] = [document.documentElement, [...document.querySelectorAll(".sections a")]];
  const box = (selector) => document.querySelector(selector).getBoundingClientRect();
  return { nav: box(".sections").height, main: box("main").width,
    sides: document.querySelectorAll(".side").length, wider: root.scrollWidth - root.clientWidth,
    low: Math.min(...links.map((link) => link.getBoundingClientRect().height)) };
}"""


def test_the_sections_take_few_lines_above_a_single_column(
    live_server: LiveServer, open_page: OpenPage
) -> None:
    client, page = Client(), open_page()
    member("ann")
    client.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
    cookies = client.cookies.values()
    page.context.add_cookies([
        {"name": cookie.key, "value": cookie.value, "url": live_server.url} for cookie in cookies
    ])  # fmt: skip
    for width, most in MOST_HEIGHT.items():
        page.set_viewport_size({"width": width, "height": 800})
        for address in (one.path for section in SECTIONS for one in section.pages):
            page.goto(live_server.url + address)
            found = page.evaluate(MEASURE)
            assert found["nav"] <= most, (address, width, found)
            assert found["wider"] <= 0, (address, width, found)
            assert found["sides"] == 0
            assert found["main"] <= 41 * 16
            assert found["low"] >= 24
