"""The page of search: what it says, to whom, and within which bounds."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.graph.models import Block, Mute
from apps.kwips.models import Kwip
from apps.search.query import LONGEST, MOST_WORDS, Problem, parse

pytestmark = pytest.mark.django_db(transaction=True)
CANARY = "xylophonic"

type Publish = Callable[..., Kwip]


def test_without_a_query_it_explains_itself_and_reads_nothing(client: Client) -> None:
    client.get("/search/")
    with CaptureQueriesContext(connection) as captured:
        page = client.get("/search/")
    assert page.status_code == 200
    assert "from:ann" in page.content.decode()
    assert not [query for query in captured if "search_" in query["sql"] or "limits" in query["sql"]]


def test_it_is_neither_stored_nor_indexed(client: Client, ann: User, publish: Publish) -> None:
    publish(ann, "tea")
    page = client.get("/search/", {"q": "tea"})
    assert page["Cache-Control"] == "private, no-store"
    assert "noindex" in page["X-Robots-Tag"]
    assert 'name="robots" content="noindex' in page.content.decode()
    assert "rel=canonical" not in page.content.decode().replace('"', "")
    assert "Disallow: /search/" in client.get("/robots.txt").content.decode()


def test_what_was_typed_comes_back_escaped(client: Client) -> None:
    page = client.get("/search/", {"q": '<b>"tea'}).content.decode()
    assert 'value="&lt;b&gt;&quot;tea"' in page
    assert "<b>" not in page.replace("<b></b>", "").partition("<main")[2]


PROBLEMS = {
    "before:yesterday tea": "2024-05-31",
    "after:2024-13 tea": "2024-05-31",
    "-before:2024 tea": "2024-05-31",
    "from: tea": "from:ann",
    "from:nobody1 tea": "nobody called nobody1",
    "-tea": "only what to leave out",
    "tea or -milk": "only what to leave out",
    "!!!": "no word in that",
    "after:2024 before:2023": "changed places",
    "x" * (LONGEST + 1): f"{LONGEST} characters",
    "a " * (MOST_WORDS + 1): "a lot of words",
    "茶" * (MOST_WORDS + 2): "a lot of words",
}


@pytest.mark.parametrize("text", PROBLEMS)
def test_what_cannot_be_understood_is_explained_and_kept(client: Client, text: str) -> None:
    page = client.get("/search/", {"q": text})
    assert page.status_code == 200
    said = page.content.decode()
    assert PROBLEMS[text] in said
    assert text.strip() in said


def test_nothing_found_is_said_kindly_for_each_kind(client: Client) -> None:
    for kind, words in (
        ("kwips", "nobody has said that yet"),
        ("people", "nobody by that name"),
        ("tags", "no such tag"),
    ):
        page = client.get("/search/", {"q": CANARY, "in": kind})
        assert (page.status_code, words in page.content.decode()) == (200, True), kind


def test_pages_of_results_lead_to_one_another_and_keep_the_query(
    client: Client, ann: User, publish: Publish
) -> None:
    for number in range(25):
        publish(ann, f"tea & milk no. {number}")
    first = client.get("/search/", {"q": 'tea "& milk"'})
    older = first.context["page"].older
    assert "q=tea" in older
    second = client.get(f"/search/{older}")
    assert len(second.context["page"]) == 5
    # A cursor is of one query.
    assert client.get(f"/search/{older.replace('tea', 'milk')}").status_code == 404


def test_a_limit_refuses_before_the_work_and_keeps_the_query(client: Client, settings: LazySettings) -> None:
    settings.LIMITS = settings.LIMITS | {"search": "1/1h"}
    assert client.get("/search/", {"q": "tea"}).status_code == 200
    with CaptureQueriesContext(connection) as captured:
        refused = client.get("/search/", {"q": "milk"})
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0
    assert 'value="milk"' in refused.content.decode()
    assert not [query for query in captured if "search_" in query["sql"]]


@pytest.mark.parametrize("kind", ["kwips", "people", "tags"])
def test_a_query_that_takes_too_long_is_ended_and_says_so(
    client: Client, ann: User, publish: Publish, settings: LazySettings, kind: str
) -> None:
    publish(ann, "tea #tea")
    settings.SEARCH_TIMEOUT_MS = 100
    tables = {"kwips": "search_entry", "people": "search_personname", "tags": "search_tagname"}
    with connection.cursor() as cursor:
        # Each row takes longer than the limit.
        cursor.execute(
            "CREATE FUNCTION slow() RETURNS boolean LANGUAGE sql AS 'SELECT true FROM pg_sleep(0.5)'"
        )
        cursor.execute(f"ALTER TABLE {tables[kind]} ENABLE ROW LEVEL SECURITY")
        cursor.execute(f"ALTER TABLE {tables[kind]} FORCE ROW LEVEL SECURITY")
        cursor.execute(f"CREATE POLICY slow ON {tables[kind]} USING (slow())")
    try:
        page = client.get("/search/", {"q": "tea" if kind != "people" else "ann", "in": kind})
        assert page.status_code == 422
        assert "took too long" in page.content.decode()
        # The limit was of that search alone.
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone()[0] != "100ms"
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP POLICY slow ON {tables[kind]}")
            cursor.execute(f"ALTER TABLE {tables[kind]} NO FORCE ROW LEVEL SECURITY")
            cursor.execute(f"ALTER TABLE {tables[kind]} DISABLE ROW LEVEL SECURITY")
            cursor.execute("DROP FUNCTION slow")


HOSTILE = [
    "'", "\\", "''", "\\'", "a'b", "tea' | 'milk", "tea:*", "tea & !tea", "((((", "<->", "tea <2> milk", '"',
    '""', '-"', "-", "--tea", "or", "or or or", "tea or", "tea or or milk", "#", "#'", "#\\", "#\u200d",
    "from:\0ann", "\0", "before:9999-12-31", "after:0001-01-01 tea", "before:0000", "after:2024-99-99", "%",
    "%s", "%(viewer)s", "{visible}", "; DROP TABLE kwips_kwip", "\ud800", "𒀀" * 50, "e" + "\u0301" * 150,
    "ﷺ" * 90, "\u202e", "🎉", "👩‍👩‍👧", "@", "@@ann", "from:ann from:bob", "(", "~0", "(0", "{0", "'!'",
    "a" * LONGEST, '"' * LONGEST, "-" * LONGEST,
]  # fmt: skip


@pytest.mark.parametrize("kind", ["kwips", "people", "tags"])
def test_no_query_breaks_it(
    client: Client, ann: User, bob: User, publish: Publish, settings: LazySettings, kind: str
) -> None:
    settings.LIMITS = settings.LIMITS | {"search": None}
    publish(ann, "tea")
    for text in HOSTILE:
        encoded = "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "surrogatepass"))
        assert client.get(f"/search/?q={encoded}&in={kind}").status_code == 200, text


def test_slices_and_authors_cannot_be_asked_for_by_their_lexemes() -> None:
    for text in ("(0", "~12", "@1", "{0", "<1f"):
        try:
            assert not {sign for sign in "([{<>|~@" if f"'{sign}" in parse(text).text}
        except Problem:
            pass


def see(client: Client, person: User | None) -> dict[str, str]:
    """All pages of search for the canary, as the person sees them."""
    if person is None:
        client.logout()
    else:
        client.force_login(person)
    asked: dict[str, dict[str, Any]] = {
        "kwips": {"q": CANARY},
        "phrase": {"q": f'"{CANARY} secret"'},
        "author": {"q": "from:ann"},
        "filed": {"q": f"#{CANARY}"},
        "tags": {"q": CANARY[:6], "in": "tags"},
        "day": {"q": "after:2020"},
    }
    return {name: client.get("/search/", query).content.decode() for name, query in asked.items()}


def test_the_leak_matrix(
    client: Client,
    ann: User,
    bob: User,
    publish: Publish,
    follow: Callable[..., None],
    settings: LazySettings,
) -> None:
    """A followers-only kwip appears for its author and followers, on no page of search for anyone else."""
    settings.LIMITS = settings.LIMITS | {"search": None}
    follower, blocked, blocking, muting = (
        User.objects.create_user(name, f"{name}@example.org")
        for name in ("follower", "blocked", "blocking", "muting")
    )
    for person in (follower, blocked, blocking, muting):
        follow(person, ann)
    Block.objects.create(blocker=ann, blocked=blocked)
    Block.objects.create(blocker=blocking, blocked=ann)
    Mute.objects.create(muter=muting, muted=ann)
    publish(ann, f"{CANARY} secret #{CANARY}", followers_only=True)
    matrix = SimpleNamespace(
        anonymous=None,
        stranger=bob,
        author=ann,
        follower=follower,
        blocked=blocked,
        blocking=blocking,
        muting=muting,
    )
    for name, person in vars(matrix).items():
        for page, said in see(client, person).items():
            listed = said.partition("</form>")[2]
            assert (f"{CANARY} secret" in listed or f"/tag/{CANARY}/" in listed) == (
                name in ("author", "follower")
            ), (name, page)


@pytest.mark.parametrize("one_blocks", [True, False])
def test_people_who_block_one_another_do_not_find_one_another(
    client: Client, ann: User, bob: User, one_blocks: bool
) -> None:
    blocker, blocked = (ann, bob) if one_blocks else (bob, ann)
    Block.objects.create(blocker=blocker, blocked=blocked)
    client.force_login(ann)
    assert 'class="h-card"' not in client.get("/search/", {"q": "bob", "in": "people"}).content.decode()
