"""Each address below those that matter says whether it asks for the password again."""

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from kwippy.asking import ADDRESSES, WATCHED, Asks, asks_at, line_of
from tests.support.people import PASSWORD, member, minutes_later


def routes(patterns: list[URLPattern | URLResolver], beginning: str = "") -> list[str]:
    found = []
    for pattern in patterns:
        route = beginning + str(pattern.pattern).removeprefix("^")
        found += routes(pattern.url_patterns, route) if isinstance(pattern, URLResolver) else [route]
    return found


ROUTES = set(routes(get_resolver().url_patterns))
WATCHED_ROUTES = sorted(route for route in ROUTES if route.startswith(WATCHED))


@pytest.mark.asvs("7.5.3")
def test_each_address_has_a_line() -> None:
    assert len(WATCHED_ROUTES) > 150
    unclassified = [route for route in WATCHED_ROUTES if line_of(route) is None]
    assert not unclassified, "say in kwippy/asking.py whether they ask for the password"


def test_each_line_has_an_address() -> None:
    assert set(ADDRESSES) == {line_of(route) for route in ROUTES} - {None}


def test_an_address_without_a_line_asks() -> None:
    assert asks_at("settings/new/") is Asks.ALWAYS
    assert asks_at("moderation/new/") is Asks.ALWAYS
    assert asks_at("admin/new/") is Asks.STAFF
    assert asks_at("everyone/") is Asks.NEVER


def test_the_views_of_addresses_that_ask_are_wrapped_and_no_others() -> None:
    def wrapped(patterns: list[URLPattern | URLResolver], beginning: str = "") -> set[str]:
        found: set[str] = set()
        for pattern in patterns:
            route = beginning + str(pattern.pattern).removeprefix("^")
            if isinstance(pattern, URLResolver):
                found |= wrapped(pattern.url_patterns, route)
            elif getattr(getattr(pattern.callback, "__code__", None), "co_name", "") == "asking":
                found.add(route)
        return found

    asking = {route for route in ROUTES if asks_at(route) not in (Asks.NEVER, Asks.ITSELF)}
    assert wrapped(get_resolver().url_patterns) == asking


@pytest.mark.django_db
def test_the_kwip_of_the_day_asks_an_operator_for_the_password_again() -> None:
    member("ops", is_staff=True, is_superuser=True)
    operator = Client()
    operator.post("/accounts/login/", {"login": "ops", "password": PASSWORD})
    with minutes_later(16):
        answer = operator.post("/kwip/1/of-the-day/")
    assert answer.status_code == 403
    assert 'name="again-password"' in answer.content.decode()
