"""The addresses of the site, from its URL map."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from typing import NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver

from apps.feeds.sitemaps import RANGE
from tests.privacy.world import AUTHOR, World

# Its readers are operators: `apps/accounts/tests/test_admin_permissions.py`.
ADMIN = "admin/"
# An address that says nothing without a query. No query has a canary: the page repeats what was typed.
QUERIES = {
    "search/": (
        "",
        "?q=from:ann",
        "?q=from:fay",
        "?q=%23tea",
        "?q=after:2020",
        "?q=ann&in=people",
        "?q=tea&in=tags",
    )
}


class Address(NamedTuple):
    """``arguments`` of the path, with the names of what its ids stand for."""

    pattern: str
    path: str
    arguments: Mapping[str, str]


@cache
def patterns() -> tuple[str, ...]:
    return tuple(_walk(get_resolver(), ""))


def _walk(resolver: URLResolver, before: str) -> Iterator[str]:
    for found in resolver.url_patterns:
        route = before + str(found.pattern)
        if isinstance(found, URLPattern):
            yield route
        elif route != ADMIN:
            yield from _walk(found, route)


def addresses(pattern: str, world: World) -> Iterator[Address]:
    """Each address of a pattern in this world. A text is requested below its author's name alone."""
    # A path's parameters are <converter:name>, those of a regular expression (?P<name>…).
    plain = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"<\1>", pattern).strip("^$")
    names = re.findall(r"<(?:\w+:)?(\w+)>", plain)
    for chosen in product(*(_values(name, world) for name in names)):
        arguments = dict(zip(names, chosen, strict=True))
        path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", "{}", plain).format(*chosen)
        if text := _name(arguments.get("kwip_id"), world.kwip_ids):
            author = world.kwips[text].author.username
            if arguments.get("username", author) != author:
                continue
            arguments["text"] = text
        if message := _name(arguments.get("message_id"), world.message_ids):
            arguments["owner"], arguments["text"] = message.split()
        if case := _name(arguments.get("case_id"), world.case_ids):
            arguments["case"] = case
        for query in QUERIES.get(pattern, ("",)):
            yield Address(pattern, path + query, arguments | {"query": query})


def _values(name: str, world: World) -> tuple[str, ...]:
    values: Mapping[str, tuple[str, ...]] = {
        "username": (AUTHOR, "fay", "hal"),
        "kwip_id": tuple(map(str, world.kwip_ids.values())),
        "revision_id": (str(world.revision_id),),
        "message_id": tuple(map(str, world.message_ids.values())),
        "draft_id": (str(world.draft_id),),
        "case_id": tuple(map(str, world.case_ids.values())),
        "name": ("tea",),
        "number": (str(world.kwip_ids["everyone"] // RANGE),),
    }
    return values.get(name, (world.owned.get(name, "1"),))


def _name(number: str | None, ids: Mapping[str, int]) -> str:
    return next((name for name, value in ids.items() if str(value) == number), "")
