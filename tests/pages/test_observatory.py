"""Every address of the site keeps the rules of Mozilla's HTTP Observatory, as the site itself answers it."""

from collections.abc import Iterator

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client

from apps.pagecache import wrapped
from apps.pagecache.management.commands.warmpages import warming_request
from apps.pagecache.wsgi import response_of
from kwippy.observability import metrics
from tests.privacy.addresses import addresses, patterns
from tests.privacy.world import AUTHOR, MODERATOR, World, built
from tests.support.observatory import Answer, faults

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]

ADMIN = (
    "/admin/",
    "/admin/login/",
    "/admin/kwips/kwip/",
    "/admin/nothing/",
    "/nothing/here/",
    "/static/nothing.css",
)


def every_path(world: World) -> Iterator[str]:
    """One address of each pattern of the URL map; the admin has its own."""
    for pattern in patterns():
        # Figures for prometheus, outside of the site's middleware; nginx answers 404.
        if pattern == metrics.PATH.removeprefix("/"):
            continue
        yield next(iter(addresses(pattern, world))).path
    yield from ADMIN


@pytest.mark.asvs("3.4.3", "3.4.4", "3.4.5", "3.4.6", "3.4.8")
@pytest.mark.parametrize("viewer", ["", AUTHOR, MODERATOR], ids=["anonymous", "member", "moderator"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_address_keeps_the_rules(viewer: str, method: str) -> None:
    world = built()
    client = Client(enforce_csrf_checks=True)
    if viewer:
        client.force_login(world.people[viewer])
    wrong: list[str] = []
    for path in every_path(world):
        if method == "POST" and "logout" in path:
            continue
        response = client.generic(method, path)
        answer = Answer(
            f"http://testserver{path}",
            {name.lower(): [value] for name, value in response.headers.items()},
            response.getvalue().decode(errors="replace") if method == "GET" else "",
            [morsel.OutputString() for morsel in response.cookies.values()],
        )
        if response.status_code >= 500:
            wrong.append(f"{method} {path} failed")
        wrong += [f"{method} {path} ({response.status_code}): {fault}" for fault in faults(answer)]
    assert wrong == []


def test_a_cached_page_has_the_headers_of_the_page_that_was_rendered() -> None:
    site = wrapped(WSGIHandler())
    names = (
        "content-security-policy",
        "permissions-policy",
        "cross-origin-",
        "referrer-policy",
        "x-",
        "reporting-",
    )
    hits = 0
    for path in every_path(built()):
        told = []
        for _ in range(2):
            headers = {
                name.lower(): value for name, value in response_of(site, warming_request(path)).headers
            }
            hits += "hit" in headers.get("cache-status", "")
            headers.pop("x-request-id", None)
            told.append({name: value for name, value in headers.items() if name.startswith(names)})
        assert told[0] == told[1], path
    assert hits > 10
