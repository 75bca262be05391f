"""What the panel says about a request."""

import json
import re
import uuid
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.conf import LazySettings, settings

from apps.accounts.models import User
from apps.graph.actions import follow
from apps.kwips.actions import publish
from apps.pagecache import wsgi
from kwippy.settings import stock
from kwippy.settings.switches import SWITCHES
from kwippy.xray import ladder, optimizations, panel, sources
from kwippy.xray.optimizations import OPTIMIZATIONS
from kwippy.xray.recording import LONGEST_SQL, MOST_STATEMENTS, Record, family
from tests.support import budget
from tests.support.browser import AXE_OF_COLOURS, OpenPage
from tests.support.http import Member, Response, Visitor, session_key
from tests.support.site import served

HTML = {"Accept": "text/html"}
RECORD = Record(near={"cards": (0, 0), "fragments": (0, 0)})


def told(page: Response) -> str:
    """The text of the panel; "" without one."""
    _, _, inside = page.text.partition('<aside class="xray"')
    text = re.sub(r"<[^>]+>", " ", inside.partition("</aside>")[0])
    return " ".join(unescape(text).split())


@pytest.fixture
def people(db: None) -> tuple[User, User]:
    ann, bob = (User.objects.create_user(name, f"{name}@example.org") for name in ("ann", "bob"))
    EmailAddress.objects.create(user=ann, email=ann.email, verified=True, primary=True)
    follow(follower=ann, followee=bob)
    for number in range(3):
        publish(author=bob, text=f"tea {number}", form_key=uuid.uuid4())
    return ann, bob


@pytest.mark.django_db(transaction=True)
def test_a_page_tells_how_it_was_made(people: tuple[User, User], memcached: str) -> None:
    ann, _ = people
    with served(memcached=memcached, workers=1, variables={"XRAY": "on"}, patient=True) as port:
        anonymous, member = Visitor(port), Member(port, ann)
        first, second, third = (told(anonymous.get("/everyone/", **HTML)) for _ in range(3))
        bare = anonymous.get("/everyone/")
        pages = [member.get("/", **HTML) for _ in range(2)]
        searched = member.get("/search/?q=canary7391", **HTML)
        source = anonymous.get("/-/xray/apps/feeds/sql/network_people.sql")
        text = "what a cup"
        sent = member.post("/kwip/", HTML, text=text, form_key=str(uuid.uuid4()))
        member.cookies["xray"] = re.findall(r"xray=([^;]*)", str(sent.headers))[0]
        after = member.get("/", **HTML)

    assert "rendered and not stored: a page is stored on its second request" in first
    assert "miss: Django rendered the page, and it was stored" in second
    assert "stored (page)" in second
    assert "hit: the stored page was sent, without Django" in third
    assert "0 queries" in third
    assert (told(bare), bare.headers["Cache-Status"]) == ("", "pagecache; hit")
    assert bare.headers["ETag"], "the stored page is the site's own"

    cost = budget.cost(pages[1].headers)
    assert f"this page: {cost['queries']} queries" in told(pages[1])
    assert f"{cost['round trips']} round trip in " in told(pages[1])
    assert "3 hits (policy, session, user)" in told(pages[1])
    assert "3 cards from the memory of this process, 0 not there" in told(pages[1])
    assert "2 messages with prepared statements, 0 sent whole" in told(pages[1])
    pool = r"1 check-out, waited [\d.]+ ms; \d of at most 4 connections of this process are open"
    assert re.search(pool, told(pages[1])), told(pages[1])
    assert "0 of 2 statements with OFFSET or COUNT" in told(pages[1])
    assert "apps/feeds/sql/network_people.sql" in told(pages[1])
    assert "-- index:" in source.text

    assert "canary7391" in searched.text
    assert "canary7391" not in told(searched), "values are not shown"
    assert session_key(ann) not in told(searched)

    assert sent.status == 302
    assert re.search(r"before it, POST /kwip/: 2 queries [\d.]+ ms, .*\d keys invalidated", told(after))
    assert text in after.text
    assert "xray=; Path=/; Max-Age=0" in str(after.headers)


@pytest.mark.django_db(transaction=True)
def test_the_panel_is_readable_and_as_wide_as_the_page(
    people: tuple[User, User], memcached: str, open_page: OpenPage, axe: Callable[..., None]
) -> None:
    with served(memcached=memcached, workers=1, variables={"XRAY": "on"}, patient=True) as port:
        page = open_page(width=320)
        page.goto(f"http://localhost:{port}/about/")
        assert page.locator(".xray dl").is_visible(), "on this page it is open"
        page.goto(f"http://localhost:{port}/everyone/")
        assert not page.locator(".xray dl").is_visible()
        page.locator(".xray > details > summary").click()
        statement = page.locator(".xray ol > li", has=page.locator("a")).first
        statement.locator("summary").click()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        axe(page)
        page.emulate_media(color_scheme="dark")
        axe(page, AXE_OF_COLOURS)
        statement.locator("a").click()
        assert page.locator("h1").inner_text().endswith(".sql")
        axe(page, AXE_OF_COLOURS)
        page.emulate_media(color_scheme="light")
        axe(page)


# ── Bounds ───────────────────────────────────────────────────────────────────────────────────────


def test_a_record_keeps_so_many_statements_and_counts_all() -> None:
    record = Record(near=RECORD.near)
    for _ in range(MOST_STATEMENTS + 7):
        record.add_statement("SELECT 1" + " " * 2 * LONGEST_SQL, 0.001, 1)
    assert len(record.statements) == MOST_STATEMENTS
    assert {len(statement.sql) for statement in record.statements} == {LONGEST_SQL}
    html = panel.render(record, path="/", before="").decode()
    assert "and 7 more" in html
    assert f"{MOST_STATEMENTS + 7} queries 207.0 ms" in html


def test_what_the_panel_shows_is_escaped() -> None:
    record = Record(near=RECORD.near)
    record.add_statement("SELECT '<script>'", 0.001, 1)
    html = panel.render(record, path="/", before="<script>").decode()
    assert "<script>" not in html
    assert html.count("&lt;script&gt;") == 3


@pytest.mark.parametrize(("key", "word"), [("session:secret", "session"), ("policy", "policy")])
def test_of_a_key_only_its_first_word_is_kept(key: str, word: str) -> None:
    assert family(key) == word


# ── Optimizations ────────────────────────────────────────────────────────────────────────────────


def test_every_optimization_is_in_the_panel_and_the_five_have_a_committed_figure() -> None:
    assert {each.folder for each in OPTIMIZATIONS} == {*SWITCHES, "keyset"}
    measured = {each.folder: each.measured for each in OPTIMIZATIONS if each.measured}
    assert measured.keys() == {
        "pagecache", "lookaside", "statements", "dbpool", "commandqueue", "keyset",
    }  # fmt: skip
    assert all(re.search(r"\d × ", sentence) for sentence in measured.values())


def test_an_optimization_with_its_stock_settings_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(each.is_on for each in OPTIMIZATIONS)
    monkeypatch.setattr(optimizations, "settings", stock)
    assert [each.folder for each in OPTIMIZATIONS if each.is_on] == ["keyset"]
    html = panel.render(RECORD, path="/", before="").decode()
    assert html.count("<strong>off</strong>") == len(SWITCHES)
    assert "Django connects to PostgreSQL for each request" in html


def test_a_page_without_a_place_to_store_it_says_so(settings: LazySettings) -> None:
    settings.CACHES = stock.CACHES
    html = panel.render(Record(near=RECORD.near, page="uncacheable"), path="/", before="").decode()
    assert "without a look-aside cache there is no place for it" in html


def test_the_committed_figures_are_on_the_about_page() -> None:
    assert b"measured:" in panel.render(RECORD, path="/about/", before="")
    assert b"measured:" not in panel.render(RECORD, path="/", before="")


def test_the_ladder_is_on_the_about_page_once_it_is_measured(settings: LazySettings, tmp_path: Path) -> None:
    settings.BASE_DIR = tmp_path
    assert ladder.table() is None
    (tmp_path / ladder.FILE).parent.mkdir(parents=True)
    rounds = {
        "front page": {"stock": {"rate": [7.0, 8.0, 9.0]}, "nginx file": {"rate": [12345.0]}},
        "publish": {"stock": {"p50_ms": [31.04]}},
    }
    written = {"measured_at": "2026-11-27T12:00:00+00:00", "commit": "abc1234", "rounds": rounds}
    (tmp_path / ladder.FILE).write_text(json.dumps(written))
    ladder._table.cache_clear()
    html = panel.render(RECORD, path="/about/", before="").decode()
    cells = [unescape(cell) for cell in re.findall(r"<t[dh][^>]*>([^<]*)</t[dh]>", html)]
    assert cells[1 : 1 + len(ladder.COLUMNS)] == [heading for _, _, heading in ladder.COLUMNS]
    assert cells[1 + len(ladder.COLUMNS) :] == [
        "stock",
        "8",
        "",
        "",
        "31",
        "",
        "nginx file",
        "12,345",
        *[""] * 4,
    ]
    assert "measured 2026-11-27 at abc1234" in html
    assert b"<table" not in panel.render(RECORD, path="/", before="")


# ── Sources ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("folder", [each.folder for each in OPTIMIZATIONS])
def test_the_page_of_an_optimization_is_that_of_its_folder(folder: str) -> None:
    status, _, body = sources.response(f"{sources.PREFIX}{folder}")
    assert status == "200 OK"
    assert "Problem (2008)" in body.decode()
    assert (f"make run WITHOUT={folder}" in body.decode()) == (folder != "keyset")


@pytest.mark.parametrize(
    "name", ["", "manage.py", "../../manage.py", "apps/feeds/sql/../../../manage.py", "/etc/passwd", "apps"]
)
def test_no_other_file_is_sent(name: str) -> None:
    status, _, body = sources.response(f"{sources.PREFIX}{name}")
    assert (status, body) == ("404 Not Found", b"There is no such page.\n")


def test_a_name_that_two_apps_use_is_told_apart_by_what_is_executed() -> None:
    named = {path.split("/")[1] for path in sources.sql_files() if path.endswith("/new.sql")}
    assert len(named) > 1
    for app in named:
        place = sources.place_of("new.sql", f"/* new.sql */ EXECUTE {app}_new (%(viewer)s)")
        assert place == f"apps/{app}/sql/new.sql"
    assert sources.place_of("new.sql", "/* new.sql */ SELECT 1") == ""
    assert sources.place_of("everyone.sql", "") == "apps/feeds/sql/everyone.sql"
    assert (settings.BASE_DIR / sources.place_of("everyone.sql", "")).exists()


def test_the_panel_has_words_for_each_result_of_the_page_cache() -> None:
    """`apps.pagecache.wsgi.stats` names them."""
    named = set(re.findall(r'"(\w+)"', str(wsgi.stats.__doc__)))
    assert {"hit", "shed", "collapsed"} <= named
    assert named <= optimizations._PAGES.keys()
