import re
import time
import unicodedata
from html.parser import HTMLParser

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from apps.kwips import formatting, text
from apps.plaintext import clean

SPICY = st.text(alphabet=st.sampled_from("ab.:/@#<>&\"'()[]\\ \n\tüé‮​javscriptht0-"), max_size=200)


class Reader(HTMLParser):
    """Parses HTML as a browser does."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "br":
            self.words += "\n"

    def handle_data(self, data):
        self.words += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


def links(source: str, people: frozenset[str] = frozenset()) -> dict[str, str]:
    reader = read(text.to_html(source, people))
    return {str(attrs["href"]): tag for tag, attrs in reader.tags if tag == "a"}


@pytest.mark.asvs("1.2.2")
@pytest.mark.parametrize(
    "source",
    ["javascript:alert(1)", "data:text/html,<b>x", "vbscript:x", "ftp:one", "//localhost/x", "file:///etc"],
)
def test_other_schemes_stay_text(source: str) -> None:
    assert links(f"see {source} there") == {}


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("hi @Ann, @nobody and mail@ann.org", ["ann", "nobody"]),
        ("@annさん 你好@bob @cat님 ครับ@dog", ["ann", "bob", "cat", "dog"]),
        ("「@ann」 @bob。 （@cat） 👋@dog", ["ann", "bob", "cat", "dog"]),
        (".@ann and ...@bob", ["ann", "bob"]),
        ("@ann's @bob: @cat/@dog", ["ann", "bob", "cat", "dog"]),
        ("＠ａｎｎ @Ｂｏｂ", ["ann", "bob"]),
        ("a@ann b.@ann /@ann é@ann @@ann @ann@ann.org @annä ж@ann @an", []),
    ],
)
def test_a_mention_stands_beside_letters_of_scripts_without_spaces_and_no_others(
    source: str, named: list[str]
) -> None:
    assert text.mentions(source) == named


def test_mentions_of_people_that_exist_become_links() -> None:
    assert links("hi @Ann and @nobody", frozenset({"ann"})) == {"/ann/": "a"}


def test_every_link_outward_gives_nothing_away_and_no_credit() -> None:
    source = "https://example.org/a example.org, me@example.org #tea @ann"
    rels = {
        str(attrs["href"]): attrs.get("rel")
        for tag, attrs in read(text.to_html(source, frozenset({"ann"}))).tags
        if tag == "a"
    }
    own = {"/tag/tea/": "tag", "/ann/": None}
    assert {href: rel for href, rel in rels.items() if href in own} == own
    outward = [rel for href, rel in rels.items() if href not in own]
    assert outward == ["nofollow ugc noopener noreferrer"] * 3


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("#Tea #tea #café #cafe\N{COMBINING ACUTE ACCENT}", ["tea", "café"]),
        ("#ｓｙｎｔｈｗａｖｅ ＃synthwave #ﾃｽﾄ #テスト", ["synthwave", "テスト"]),
        ("#Straße #strasse #ć #ΣΊΣΥΦΟΣ", ["straße", "strasse", "σίσυφος"]),
        ("これは#タグ #日本#東京 次。#日本語", ["タグ", "日本", "東京", "日本語"]),
        ("#one/#two", ["one", "two"]),
        ("#茶 #a #あ #1 #_ #12 a#b &#x27; /#place ##twice", ["茶"]),
        ("#चाय #กาแฟ, #தேநீர்! चा#य", ["चाय", "กาแฟ", "தேநீர்"]),
        ("#" + "x" * 50 + " #" + "y" * 51 + " #ﷺﷺﷺ", ["x" * 50]),
    ],
)
def test_tags_have_one_spelling_a_letter_and_two_characters_or_one_that_is_a_word(
    source: str, names: list[str]
) -> None:
    assert text.tags(source) == names


@pytest.mark.parametrize(
    ("report", "source", "tags", "named"),
    [
        # Two tags that are joined: the second was none, for nine years.
        (
            "mastodon#1910",
            "#one/#two #три/#четыре #猫/#犬 #1/#two",
            ["one", "two", "три", "четыре", "猫", "犬"],
            [],
        ),
        ("mastodon#21117", "(#one/#two)", ["one", "two"], []),
        # One letter before a character of no word is no tag.
        ("mastodon#33846", "#r/cats and ＃ｒ/cats", [], []),
        # The anchor of an address is no tag.
        (
            "mastodon#30182, #37652, #27552",
            "https://a.example/#one a.example/x#two http://a.example/日本#四 /#five",
            [],
            [],
        ),
        # What input methods of Japanese and Chinese write.
        (
            "full-width signs",
            "＃タグ ＠ann これは＃日本語 ＠ｂｏｂさん ＃Ｔｅａ",
            ["タグ", "日本語", "tea"],
            ["ann", "bob"],
        ),
        # A possessive or a full stop ends a name.
        (
            "twitter-text#350",
            "@ann's @bob’s @cat. @dog, (@eve) @fox! @gnu… @hen…and",
            [],
            ["ann", "bob", "cat", "dog", "eve", "fox", "gnu", "hen"],
        ),
        # The emoji of a number sign is none; an emoji ends a tag, and its selector is no part of one.
        (
            "twitter-text#86",
            "#\ufe0f\u20e3one #\u20e3two 🍵#tea🍵 #\ufe0fthree #🍵 #four\ufe0f",
            ["tea", "three", "four"],
            [],
        ),
    ],
)
def test_public_reports_about_tags_and_mentions_hold_here(
    report: str, source: str, tags: list[str], named: list[str]
) -> None:
    assert text.tags_and_mentions(source) == (tags, named), report
    # Formatted texts have the same, but in code.
    assert formatting.tags_and_mentions(f"> *{source}*", formatted=True) == (tags, named), report
    assert formatting.tags_and_mentions(f"`{source}`", formatted=True) == ([], []), report


def test_a_kwip_can_not_name_thousands() -> None:
    assert len(text.tags(" ".join(f"#a{n}" for n in range(1000)))) == 50
    assert len(text.mentions(" ".join(f"@abc{n}" for n in range(1000)))) == 100


@pytest.mark.asvs("1.1.2", "1.2.1", "3.2.2")
@given(SPICY)
def test_html_says_what_the_text_said_and_nothing_runs(source: str) -> None:
    cleaned = clean(source)
    reader = read(text.to_html(cleaned, {"abc"}))
    assert {tag for tag, _ in reader.tags} <= {"p", "br", "a", "bdi", "span"}
    for tag, attrs in reader.tags:
        assert set(attrs) <= {"href", "rel", "class", "dir", "title"}, (tag, attrs)
        assert str(attrs.get("href", "/")).startswith(("http://", "https://", "mailto:", "/")), attrs
    # The text of an address is NFC, without a user name before the host.
    said = re.sub(r"(?<=//)[^\s/?#@]{1,50}@", "", cleaned)
    assert "".join(re.sub(r"(?<=//)[^\s/?#@]{1,50}@", "", reader.words).split()) == "".join(
        unicodedata.normalize("NFC", said).split()
    )


def test_lines_and_paragraphs() -> None:
    assert text.to_html("a\nb\n\nc") == '<p dir="auto">a<br>b</p><p dir="auto">c</p>'


def test_spaces_and_tabs_stay() -> None:
    code = "def f():\n    return\t1  #  two"
    assert read(text.to_html(code)).words == code


def test_what_was_stored_before_it_was_cleaned_can_not_break_a_page() -> None:
    assert text.to_html("a\uffff\x0bb") == '<p dir="auto">a\ufffd\ufffdb</p>'
    assert text.excerpt("a\ufffe") == "a\ufffd"


CLUSTERS = ["あ", "👨‍👩‍👧‍👦", "🇮🇳", "👍🏽", "e\u0301", "क्षि", "각", "1️⃣", "ก็"]


@given(st.lists(st.sampled_from([*CLUSTERS, "a", " ", "\n"]), min_size=1, max_size=700).map("".join))
def test_nothing_is_cut_through_a_character_nor_without_an_ellipsis(source: str) -> None:
    line = text.excerpt(source)
    words = " ".join(source.split())
    assert line == words or (line.endswith("…") and words.startswith(line[:-1]))
    shown = regex.findall(r"\X", line.removesuffix("…"))
    assert shown == regex.findall(r"\X", words)[: len(shown)]
    assert len(line) <= text.EXCERPT_CHARACTERS


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_text_without_spaces_is_cut_between_two_characters(cluster: str) -> None:
    source = cluster * 700
    assert text.excerpt(source).removesuffix("…").count(cluster) == (text.EXCERPT_CHARACTERS - 1) // len(
        cluster
    )


HOSTILE = [
    "http://a.com/&", "a@", "#a", "@", "(", "#tea ", "@demo ", "a.com ", "a.", "あa.com", "あ", "あhttps://a.b/",
    "\u0301",
    "あ（", "（a", "あ@", "あa@", "’a", "#a/", "@abc/", "a\n", "&", "あa-", "http://", "a\u0308/", "a\u0308",
    "👨‍👩‍👧‍👦", "＃あ", "א\n", "א\nb\n\n",
    "https://example.com/" + "x" * 900 + " ", "https://a.com/" + "あ（あ）" * 200 + " ", "あ" + "a" * 64,
    ".@abc", "a://", "🇮",
]  # fmt: skip


@pytest.mark.parametrize("part", HOSTILE)
def test_a_hostile_text_takes_half_a_second_at_most_and_has_five_hundred_links(part: str) -> None:
    hostile = (part * 100_000)[:100_000]
    list(text.tokens("warm example.com"))
    begun = time.process_time()
    found = [token for token in text.tokens(hostile) if token.kind != "text"]
    assert time.process_time() - begun < 0.5
    assert len(found) <= text.LINKS
    begun = time.process_time()
    html = text.to_html(clean(hostile), {"abc", "demo"})
    text.excerpt(hostile)
    assert time.process_time() - begun < 0.5
    assert html.count("<a ") <= text.LINKS
    assert len(html.encode()) < 1_000_000


def test_after_five_hundred_links_the_rest_is_text() -> None:
    source = "#tea @ann example.com " * 300
    kinds = [token.kind for token in text.tokens(source)]
    assert len([kind for kind in kinds if kind != "text"]) == 500
    assert "".join(token.raw for token in text.tokens(source)) == source


def test_addresses_are_looked_for_in_the_first_thirty_thousand_characters() -> None:
    filler = "tea " * 7_000
    assert len(links(filler + "https://example.org/a")) == 1
    assert len(links(filler + "tea " * 1_000 + "https://example.org/a")) == 0
