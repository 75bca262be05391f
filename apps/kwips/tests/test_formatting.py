"""Quiet formatting: what the marks mean, what stays as it is typed, and what no text can do."""

import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.kwips import folding, formatting, text
from apps.kwips.models import Kwip
from apps.plaintext import clean

ALLOWED = {
    "p": {"dir", "class"},
    "br": set(),
    "span": {"dir", "class"},
    "bdi": {"dir"},
    "em": set(),
    "strong": set(),
    "blockquote": set(),
    "ul": set(),
    "ol": set(),
    "li": {"dir", "value"},
    "pre": {"dir"},
    "code": {"dir"},
    "a": {"href", "class", "rel", "dir", "title"},
}


class Read(HTMLParser):
    """Fails unless every element is allowed, and closed where it has to be; collects words and links."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.words: list[str] = []
        self.links: list[tuple[str, str | None]] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert set(dict(attrs)) <= ALLOWED[tag]
        if tag == "a":
            found = dict(attrs)
            self.links.append((found["href"] or "", found.get("rel")))
            assert re.match(r"https?://|mailto:|/", self.links[-1][0])
            assert "a" not in self.open
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_pi = unknown_decl = handle_comment


def html(source: str) -> str:
    """The HTML without the direction of each element, which other tests hold."""
    return re.sub(r' dir="\w+"', "", formatting.to_html(source, frozenset({"ann"})))


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (
            "*so*, **so!** and ***so***",
            "<p><em>so</em>, <strong>so!</strong> and <em><strong>so</strong></em></p>",
        ),
        ("> a\n> b\nmy answer", "<blockquote><p>a<br>b</p></blockquote><p>my answer</p>"),
        ("> a\n\n> b", "<blockquote><p>a</p></blockquote><blockquote><p>b</p></blockquote>"),
        (">> a\n> b", "<blockquote><blockquote><p>a</p></blockquote><p>b</p></blockquote>"),
        ("buy:\n- milk\n- *tea*\nso", "<p>buy:</p><ul><li>milk</li><li><em>tea</em></li></ul><p>so</p>"),
        ("- a\n  - b", "<ul><li>a<ul><li>b</li></ul></li></ul>"),
        ("1. a\n2. b", '<ol><li value="1">a</li><li value="2">b</li></ol>'),
        ("3) a\n7) b", '<ol><li value="3">a</li><li value="7">b</li></ol>'),
        ("`a *b* <i>`", "<p><code>a *b* &lt;i&gt;</code></p>"),
        ("```py\nx = 1\n\n  y()\n```\nso", "<pre><code>x = 1\n\n  y()\n</code></pre><p>so</p>"),
        ("```\nnever *closed*", "<pre><code>never *closed*</code></pre>"),
        ("这是**重点**。**「重点」**を", "<p>这是<strong>重点</strong>。<strong>「重点」</strong>を</p>"),
        ("a\n  b\n\n*c*", "<p>a<br>  b</p><p><em>c</em></p>"),
    ],
)
def test_marks_are_shown_as_what_they_mean(source: str, shown: str) -> None:
    assert html(source) == shown


@pytest.mark.parametrize(
    "source",
    [
        "# no heading\n===\n---",
        "2 * 3 * 4 = 2*3*4",
        "f*ck, sh*t and s**t",
        "snake_case and _so_ and __init__",
        r"¯\_(ツ)_/¯ \*no\*",
        "2026. What a year",
        ":* and :*, bye :-*.",
        "<b>x</b> <!-- y --> &amp;",
        "~~~\nno code\n~~~",
        "    indented",
        "a * b\n*",
        "[a][b]\n\n[b]: http-no",
        "1986.\n-5 degrees",
        "a *b and c*d",
        "a*b and c* d",
        "***",
    ],
)
def test_what_is_no_mark_stays_as_it_is_typed(source: str) -> None:
    assert formatting.to_html(source) == text.to_html(source)


def test_a_text_without_marks_is_the_plain_one() -> None:
    source = "hello @ann, see https://example.org/a_b_c #tea\n\n  and so on שלום\nx"
    assert formatting.to_html(source, {"ann"}) == text.to_html(source, {"ann"})


@pytest.mark.asvs("1.2.2")
def test_no_words_hide_where_a_link_leads() -> None:
    read = Read(formatting.to_html("[my bank](http://evil.example/) ![x](https://evil.example/i.png) *"))
    assert "my bank" in "".join(read.words)
    assert [href for href, _ in read.links] == ["http://evil.example/", "https://evil.example/i.png"]
    read = Read(formatting.to_html("*http://good.example@evil.example*"))
    assert read.words == ["http://evil.example"]
    assert {rel for _, rel in read.links} == {"nofollow ugc noopener noreferrer"}


def test_an_address_has_its_stars_and_not_those_behind_it() -> None:
    assert [href for href, _ in Read(formatting.to_html("*https://a.example/x* `c`")).links] == [
        "https://a.example/x"
    ]
    assert [href for href, _ in Read(formatting.to_html("https://a.example/*x*/y `c`")).links] == [
        "https://a.example/*x*/y"
    ]


def test_code_has_no_tags_no_mentions_and_no_links() -> None:
    source = "`#no @nob http://no.example` #tea @ann\n\n```\n#no @nob\n```\n> #quoted"
    assert formatting.tags_and_mentions(source, formatted=True) == (["tea", "quoted"], ["ann"])
    assert formatting.tags_and_mentions(source, formatted=False) == (["no", "tea", "quoted"], ["nob", "ann"])
    assert [href for href, _ in Read(formatting.to_html(source, {"ann", "nob"})).links] == [
        "/tag/tea/",
        "/ann/",
        "/tag/quoted/",
    ]


def test_an_excerpt_reads_without_the_marks() -> None:
    source = "> *so* said\n\n- `milk`\n1. **tea**\n```\nx = 1\n```"
    assert formatting.excerpt(source, formatted=True) == "so said - milk 1. tea x = 1"
    assert formatting.excerpt("*so*", formatted=False) == "*so*"


def test_deeper_quotes_stay_as_they_are_typed_and_no_word_is_lost() -> None:
    read = formatting.to_html("> " * 40 + "deep")
    assert read.count("<blockquote>") == formatting.DEEPEST
    assert "&gt; " * (40 - formatting.DEEPEST) + "deep" in read
    items = formatting.to_html("\n".join("  " * depth + f"- item{depth}" for depth in range(40)))
    assert all(f"item{depth}" in items for depth in range(40))


_PIECES = st.sampled_from(
    [
        "*",
        "**",
        "`",
        "```",
        "\n",
        "\n\n",
        "> ",
        "- ",
        "1. ",
        "  ",
        "[",
        "](",
        ")",
        "<b>",
        "&",
        "_",
        "~~~",
        "#tea",
        "@ann",
        "http://a.example/",
        "http://g.example@e.example",
        "x",
        "é",
        "あ",
        "ש",
        "\t",
        "\\",
        "!",
        ".",
        "#",
        "=",
        "'",
        '"',
    ]
)
_TEXTS = st.lists(_PIECES, max_size=60).map("".join)


@pytest.mark.asvs("1.3.5")
@given(_TEXTS)
def test_any_text_is_balanced_elements_of_those_that_are_allowed(source: str) -> None:
    Read(formatting.to_html(clean(source), {"ann"}))
    Read(f"<p>{formatting.line_to_html(clean(source), {'ann'})}</p>")


@given(_TEXTS)
def test_a_text_loses_marks_and_spaces_and_nothing_else(source: str) -> None:
    def words(shown: str) -> str:
        return re.sub(r"[\s*`>+\-.)\d#]", "", shown)

    source = clean(source).replace("g.example@", "")
    # The words behind the fence of code name its language.
    source = re.sub(r"```.*", "", source)
    assert words("".join(Read(formatting.to_html(source)).words)) == words(source)


@given(_TEXTS, st.integers(0, 200))
def test_what_a_fold_leaves_is_balanced(source: str, end: int) -> None:
    source = clean(source * 20)
    for beginning in (folding.fold(source).beginning, folding.fold_long(source)[0], source[:end]):
        Read(formatting.to_html(beginning))


HOSTILE = {
    "stars": "*",
    "open stars": "*a ",
    "pairs": "*a* ",
    "inside": "a**b",
    "threes": "*** a ***b ",
    "quotes": ">",
    "spaced quotes": "> ",
    "quoted lines": ">>>>>>>> a\n",
    "items": "- ",
    "lines of items": "- a\n",
    "numbers": "1. a\n",
    "nested": "> - > - a\n",
    "ticks": "`",
    "pairs of ticks": "`a",
    "fences": "```\n",
    "brackets": "[",
    "links": "[a](",
    "tags": "*#ab* ",
    "addresses": "*http://a.com/& ",
    "paragraphs": "> a\n\n",
    "all": "*_`[>-\n",
}


def _calls(of: Callable[[], object]) -> int:
    """How many functions it calls, C and Python: the same on every machine."""
    number = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal number
        number += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        of()
    finally:
        sys.setprofile(None)
    return number


@pytest.mark.parametrize("part", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_takes_no_more_than_its_share(part: str) -> None:
    """Twice as much of it, up to the most marks, takes about twice as long; what has more is plain."""
    per_part = max(1, sum(part.count(mark) for mark in "*`>-+\n"))
    most = min(formatting.MOST_MARKS, formatting.MOST_LINES) // per_part
    formatting.to_html("*warm* `up`")
    small, large = (part * (most // 4), part * (most // 2))
    once, twice = _calls(lambda: formatting.to_html(small)), _calls(lambda: formatting.to_html(large))
    assert twice < 3 * once
    hostile = clean((part * 100_000)[:100_000])
    for source in (hostile, large + "x " * ((100_000 - len(large)) // 2)):
        assert _calls(lambda: formatting.to_html(source)) < 600_000  # noqa: B023 - called at once
        Read(formatting.to_html(source))


def test_a_page_of_each_kind_shows_it(client: Client, ann: User, publish: Callable[..., Kwip]) -> None:
    kwip = publish(ann, "*so* `x`\n\n- a\n- b")
    plain = publish(ann, "*so* `x`\n\n- a\n- b", is_plain=True)
    assert "<em>so</em>" in client.get(f"/ann/kwip/{kwip.pk}/").content.decode()
    assert "*so* `x`" in client.get(f"/ann/kwip/{plain.pk}/").content.decode()
