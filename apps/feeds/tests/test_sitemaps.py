"""The sitemap: each public kwip once, also if kwips change during the crawl."""

from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test import Client

from apps.accounts.models import User
from apps.feeds import plans, sitemaps
from apps.kwips import actions
from apps.kwips.models import Kwip

pytestmark = pytest.mark.django_db
SITE = "http://localhost:8000"
XML = "{http://www.sitemaps.org/schemas/sitemap/0.9}"

type Write = Callable[..., Kwip]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemaps, "RANGE", 3)


def read(client: Client, path: str) -> list[str]:
    """The paths in a file of the sitemap."""
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/xml")
    found = [loc.text or "" for loc in ElementTree.fromstring(answer.content).iter(f"{XML}loc")]
    assert all(address.startswith(f"{SITE}/") for address in found)
    return [address.removeprefix(SITE) for address in found]


def files(client: Client, kind: str) -> list[str]:
    return [path for path in read(client, "/sitemap.xml") if kind in path]


def everything(client: Client, kind: str) -> list[str]:
    return [path for name in files(client, kind) for path in read(client, name)]


def test_each_kwip_that_everyone_may_see_and_each_person_stands_in_it_once(
    client: Client, ann: User, bob: User, publish: Write, comment: Write
) -> None:
    kwips = [publish(author, f"kwip {n}") for n in range(4) for author in (ann, bob)]
    comment(bob, kwips[0])
    publish(ann, "between us", followers_only=True)
    asleep = User.objects.create_user("cee", "cee@example.org", is_active=False)
    assert everything(client, "kwips") == [f"/{kwip.author.username}/kwip/{kwip.pk}/" for kwip in kwips]
    assert everything(client, "people") == ["/ann/", "/bob/"]
    assert f"/{asleep.username}/" not in everything(client, "people")
    for path in everything(client, "kwips") + everything(client, "people"):
        assert client.get(path).status_code == 200


def test_a_crawl_finds_each_kwip_that_existed_throughout_once(
    client: Client, ann: User, publish: Write
) -> None:
    kwips = [publish(ann, f"kwip {n}") for n in range(12)]
    doomed = set(kwips[::4])
    found: list[str] = []
    for name in files(client, "kwips"):
        answer = client.get(name)
        found += read(client, name) if answer.status_code == 200 else []
        if doomed:
            actions.delete(kwip=doomed.pop())
        publish(ann, "another")
    remaining = [f"/ann/kwip/{kwip.pk}/" for n, kwip in enumerate(kwips) if n % 4]
    assert [path for path in found if path in remaining] == remaining
    assert len(found) == len(set(found))


def test_the_index_names_no_empty_file_whatever_gaps_the_ids_have(
    client: Client, ann: User, publish: Write
) -> None:
    near = publish(ann, "near")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE kwips_kwip SET id = 9000000000000 WHERE id = %s", [publish(ann, "far").pk])
    assert files(client, "kwips") == [
        f"/sitemap-kwips-{near.pk // 3}.xml",
        "/sitemap-kwips-3000000000000.xml",
    ]
    assert read(client, "/sitemap-kwips-3000000000000.xml") == ["/ann/kwip/9000000000000/"]


def test_the_index_is_bounded(
    client: Client, ann: User, publish: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitemaps, "MOST_FILES", 2)
    for _ in range(12):
        publish(ann)
    assert len(files(client, "kwips")) == 2
    assert 2 * 25_000 <= 50_000
    assert sitemaps.RANGE <= 50_000


@pytest.mark.parametrize(
    "path",
    [
        "/sitemap-kwips-99999.xml",
        "/sitemap-kwips-01.xml",
        "/sitemap-kwips--1.xml",
        "/sitemap-kwips-99999999999999.xml",
        "/sitemap-kwips-99999999999999999999.xml",
        "/sitemap-people-99999.xml",
        "/sitemap-tags-0.xml",
    ],
)
def test_what_is_no_file_of_it_is_not_found(client: Client, ann: User, path: str) -> None:
    assert client.get(path).status_code == 404


def test_it_says_when_a_kwip_or_its_conversation_last_changed(
    client: Client, ann: User, publish: Write, comment: Write
) -> None:
    kwip = publish(ann)

    def lastmod() -> str:
        tree = ElementTree.fromstring(client.get(f"/sitemap-kwips-{kwip.pk // 3}.xml").content)
        return tree.findtext(f"{XML}url/{XML}lastmod") or ""

    first = lastmod()
    comment(ann, kwip)
    kwip.refresh_from_db()
    assert lastmod() == kwip.last_active_at.isoformat(timespec="seconds") >= first
    edited = actions.edit(kwip=kwip, text="milk").kwip
    assert edited.edited_at
    assert lastmod() == edited.edited_at.isoformat(timespec="seconds")


def test_a_range_is_read_by_its_index_and_nothing_is_counted(ann: User, publish: Write) -> None:
    """With many kwips PostgreSQL reads the rows of the range, and one row for each range of the index."""
    kwip = publish(ann)
    columns = "author_id, text, form_key, version, comments_count, favourites_count"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO kwips_kwip ({columns}) SELECT %s, 'x', gen_random_uuid(), 1, 0, 0"
            " FROM generate_series(1, 20000)",
            [ann.pk],
        )
        cursor.execute("ANALYZE kwips_kwip")
    sql = sitemaps.SQL.statement("sitemap_kwips").text
    start = kwip.pk + 10_000
    shown = plans.explained((sql, {"viewer": 0, "start": start, "end": start + 100}))
    assert "kwip_everyone_by_id" in shown or "kwips_kwip_pkey" in shown
    assert "Seq Scan on kwips_kwip" not in shown
    sql = sitemaps.range_statement("kwips").text
    shown = plans.explained((sql, {"viewer": 0, "size": 1000, "most": 25_000}))
    assert "Seq Scan on kwips_kwip" not in shown
    assert "COUNT(" not in sql.upper()
