import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.kwips import text

SPICY = st.text(alphabet=st.sampled_from("ab.:/@#<>&\"'()[]\\ \n\tüé‮​javscriptht0-"), max_size=200)


class Reader(HTMLParser):
    """What a browser would find in the HTML."""

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


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("see https://example.org/a_(b).", "https://example.org/a_(b)"),
        ("(http://example.org/x)", "http://example.org/x"),
        ("www.example.org, yes", "http://www.example.org"),
        ("example.org!", "http://example.org"),
        ("https://müller.de/straße?q=ö", "https://müller.de/straße?q=ö"),
        ("https://пример.рф/путь", "https://пример.рф/путь"),
        ("write to me@example.org", "mailto:me@example.org"),
        ('https://example.org/?a=1&b="2"', 'https://example.org/?a=1&b="2"'),
    ],
)
def test_an_address_becomes_a_link_without_the_punctuation_around_it(source: str, address: str) -> None:
    assert list(links(source)) == [address]


@pytest.mark.parametrize(
    "source",
    ["javascript:alert(1)", "data:text/html,<b>x", "vbscript:x", "ftp:one", "//localhost/x", "file:///etc"],
)
def test_other_schemes_stay_text(source: str) -> None:
    assert links(f"see {source} there") == {}


def test_mentions_of_people_that_exist_become_links_in_any_case() -> None:
    assert links("hi @Ann, @nobody and mail@ann.org", frozenset({"ann"})) == {
        "/ann/": "a",
        "mailto:mail@ann.org": "a",
    }


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


def test_tags_have_one_spelling_and_a_letter() -> None:
    decomposed = "cafe\N{COMBINING ACUTE ACCENT}"
    assert text.tags(f"#Tea #tea #café #{text.clean(decomposed)} #1 a#b &#x27; #日本") == [
        "tea",
        "café",
        "日本",
    ]


def test_a_tag_keeps_the_vowel_signs_of_its_script() -> None:
    assert text.tags("#चाय #กาแฟ, #தேநீர்!") == ["चाय", "กาแฟ", "தேநீர்"]
    assert text.tags("चा#य") == []


def test_a_kwip_can_not_name_thousands() -> None:
    assert len(text.tags(" ".join(f"#a{n}" for n in range(1000)))) == 50
    assert len(text.mentions(" ".join(f"@abc{n}" for n in range(1000)))) == 100


@given(SPICY)
def test_html_says_what_the_text_said_and_nothing_runs(source: str) -> None:
    cleaned = text.clean(source)
    reader = read(text.to_html(cleaned, {"abc"}))
    assert {tag for tag, _ in reader.tags} <= {"p", "br", "a"}
    for tag, attrs in reader.tags:
        assert set(attrs) <= {"href", "rel", "class", "dir"}, (tag, attrs)
        assert str(attrs.get("href", "/")).startswith(("http://", "https://", "mailto:", "/")), attrs
    assert "".join(reader.words.split()) == "".join(cleaned.split())


@given(st.text(max_size=300))
def test_cleaning_twice_is_cleaning_once(source: str) -> None:
    assert text.clean(text.clean(source)) == text.clean(source)


def test_line_breaks_are_kept_and_many_blank_lines_become_two() -> None:
    assert text.clean("a\r\nb\rc\u2028d") == "a\nb\nc\nd"
    assert text.clean("a" + "\n" * 1_000_000 + "b") == "a\n\n\nb"
    assert text.to_html("a\nb\n\nc") == '<p dir="auto">a<br>b</p><p dir="auto">c</p>'


@pytest.mark.parametrize(
    "source",
    ["", " \n\t", "\u200b\u2060", "\u202e", "\u3164", "\ufeff", "\N{COMBINING GRAPHEME JOINER}", "\x07\x1b"],
)
def test_a_text_without_ink_is_empty(source: str) -> None:
    assert text.clean(source) == ""


def test_direction_can_not_be_overridden_but_emoji_and_scripts_keep_their_joiners() -> None:
    family = "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}"
    persian = "می\u200cخواهم"
    assert text.clean(f"ab\u202ecd {family} {persian}") == f"abcd {family} {persian}"


def test_a_list_shows_forty_words() -> None:
    words = [f"w{n}" for n in range(41)]
    assert text.fold(" ".join(words)) == (" ".join(words[:40]), True)
    assert text.fold(" ".join(words[:40])) == (" ".join(words[:40]), False)


def test_a_fold_also_bounds_characters_and_lines_and_breaks_no_word_or_character() -> None:
    beginning, more = text.fold("ab " * 10 + "x" * 5000)
    assert more
    assert len(beginning) <= text.FOLD_CHARACTERS
    beginning, more = text.fold("y" * 400 + " https://example.org/" + "z" * 300)
    assert (beginning, more) == ("y" * 400, True)
    beginning, more = text.fold("a\n" * 100)
    assert more
    assert beginning.count("\n") < text.FOLD_LINES
    beginning, _ = text.fold("e" * 599 + unicodedata.normalize("NFD", "é" * 5))
    assert not unicodedata.combining(beginning[-1]) or beginning.endswith("e\u0301")


def test_hostile_texts_take_no_long_time() -> None:
    # Twelve seconds before long words were kept from the link finder: with quadratic work this never ends.
    for hostile in ("http://a.com/&" * 7_000, "a@" * 50_000, "#a" * 50_000, "@" * 100_000, "(" * 100_000):
        assert text.to_html(hostile).count("<a ") <= len(hostile) // 2


def test_addresses_are_looked_for_in_the_first_thirty_thousand_characters() -> None:
    filler = "tea " * 7_000
    assert len(links(filler + "https://example.org/a")) == 1
    assert len(links(filler + "tea " * 1_000 + "https://example.org/a")) == 0
