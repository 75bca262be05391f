"""What a visitor types, parsed: words, phrases and filters, in the semantics of ``websearch_to_tsquery``.

    tea "the big kettle" -sugar #cups from:ann after:2024-05   ─▶  Query

Words are joined by AND; ``or`` between two stands for OR, and binds less than AND; a minus excludes. Filters
hold for the whole query. What cannot be understood is a `Problem`, in words for the visitor.
"""

import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from apps.kwips.text import tags
from apps.search.slices import DAYS
from apps.search.words import parts, tag_lexeme

LONGEST = 200  # characters
MOST_WORDS = 32
_EPOCH = datetime.date(2000, 1, 1)

_TOKEN = re.compile(r'(?P<minus>-)?(?:"(?P<phrase>[^"]*)"?|(?P<operator>from|before|after):(?P<value>[^\s"]*)|(?P<word>[^\s"]+))', re.IGNORECASE)  # fmt: skip  # noqa: E501
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_NAME = re.compile(r"[@＠]?(\w{2,30})", re.ASCII)


class Problem(Exception):
    """A query that cannot be carried out; the message is for the visitor."""


@dataclass(frozen=True)
class Query:
    """``text`` is a ``tsquery`` without the filters; "" if there are filters only. A name may not exist."""

    text: str = ""
    authors: frozenset[str] = frozenset()
    not_authors: frozenset[str] = frozenset()
    after: datetime.date | None = None
    before: datetime.date | None = None

    @property
    def days(self) -> str:
        """The days as a ``tsquery``; "" for all."""
        if self.after is None and self.before is None:
            return ""
        # Clocks differ a little; a kwip is not from tomorrow.
        end = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=2)
        end = min(self.before, end) if self.before else end
        low = _day(self.after) if self.after else 0
        return any_of(DAYS.covering(low, _day(end))) or NOTHING

    @property
    def key(self) -> str:
        """The same for the same query, on any day: part of the name of its list."""
        return f"{self.text} {sorted(self.authors)} {sorted(self.not_authors)} {self.after} {self.before}"


NOTHING = "'!'"  # a lexeme that no kwip has


def any_of(lexemes: Sequence[str]) -> str:
    return f"({' | '.join(map(quoted, lexemes))})" if lexemes else ""


def all_of(*conditions: str) -> str:
    return " & ".join(filter(None, conditions))


def quoted(lexeme: str) -> str:
    """A lexeme for ``tsquery``. Lexemes have no quote and no backslash: `words` splits at them."""
    return f"'{lexeme}'"


@dataclass
class _Draft:
    """``branches`` are joined by OR, the terms of each by AND."""

    branches: list[list[str]] = field(default_factory=lambda: [[]])
    positive: list[bool] = field(default_factory=lambda: [False])
    authors: set[str] = field(default_factory=set)
    not_authors: set[str] = field(default_factory=set)
    after: datetime.date | None = None
    before: datetime.date | None = None
    words: int = 0

    def add(self, term: str, words: int, *, excluded: bool) -> None:
        self.words += words
        self.branches[-1].append(f"!({term})" if excluded else f"({term})" if words > 1 else term)
        self.positive[-1] |= not excluded


def parse(text: str) -> Query:
    """Parses what was typed. Raises `Problem`."""
    if len(text) > LONGEST:
        raise Problem(_("that is a long question. could you say it in %d characters?") % LONGEST)
    draft, waiting_or = _Draft(), False
    for token in _TOKEN.finditer(text):
        if token["word"] and token["word"].lower() == "or" and not token["minus"] and draft.branches[-1]:
            waiting_or = True
            continue
        if token["operator"]:
            _filter(draft, token)
            continue
        terms = list(_terms(token))
        if terms and waiting_or:
            draft.branches.append([])
            draft.positive.append(False)
            waiting_or = False
        for term, count in terms:
            draft.add(term, count, excluded=token["minus"] is not None)
    if waiting_or:  # at the end it is a word
        draft.add(quoted("or"), 1, excluded=False)
    return _checked(draft)


def _checked(draft: _Draft) -> Query:
    if draft.words > MOST_WORDS:
        raise Problem(_("that is a lot of words at once. the ones that matter will do."))
    filtered = draft.authors or draft.after or draft.before
    if not filtered and not any(draft.branches):
        raise Problem(_("there is no word in that to look for."))
    if not filtered and not all(draft.positive):
        raise Problem(_("that says only what to leave out. say also what to look for."))
    if draft.after and draft.before and draft.after >= draft.before:
        raise Problem(_("nothing is after the one day and before the other. the two changed places?"))
    return Query(
        " | ".join(" & ".join(terms) for terms in draft.branches if terms),
        frozenset(draft.authors),
        frozenset(draft.not_authors),
        draft.after,
        draft.before,
    )


def _terms(token: re.Match[str]) -> Iterator[tuple[str, int]]:
    """The condition of a word, phrase or tag, and how many words it has."""
    word = token["word"]
    if word and word[0] in "#＃" and (names := tags(word)):
        for name in names:
            yield quoted(tag_lexeme(name)), 1
        return
    lexemes = list(_lexemes(token["phrase"] if word is None else word))
    if lexemes:
        yield _phrase(lexemes), len(lexemes)


def _lexemes(text: str) -> Iterator[tuple[str, int]]:
    """The lexemes that a text must have, with their distances in it: of a run, its pairs."""
    for part in parts(text):
        characters = part.characters or (part.text,)
        if len(characters) == 1:
            yield characters[0], part.position
        for at in range(len(characters) - 1):
            yield characters[at] + characters[at + 1], part.position + at


def _phrase(lexemes: list[tuple[str, int]]) -> str:
    first, position = lexemes[0]
    found = [quoted(first)]
    for lexeme, at in lexemes[1:]:
        found.append(f"<{at - position}> {quoted(lexeme)}")
        position = at
    return " ".join(found)


def _filter(draft: _Draft, token: re.Match[str]) -> None:
    """Adds a filter. Raises `Problem`."""
    name, value, excluded = token["operator"].lower(), token["value"], token["minus"] is not None
    if name == "from":
        if not (found := _NAME.fullmatch(value)):
            raise Problem(_("from: wants a user name right behind it, as in from:ann."))
        (draft.not_authors if excluded else draft.authors).add(found[1].lower())
        return
    if excluded or (day := _date(value)) is None:
        raise Problem(
            _("%s: wants a day, a month or a year right behind it, as in %s:2024-05-31, or %s:2024.")
            % (name, name, name)
        )
    if name == "after":
        draft.after = max(day, draft.after or day)
    else:
        draft.before = min(day, draft.before or day)


def _date(text: str) -> datetime.date | None:
    """The first day of the day, month or year that a text names."""
    if (found := _DATE.fullmatch(text)) is None:
        return None
    try:
        return datetime.date(int(found[1]), int(found[2] or 1), int(found[3] or 1))
    except ValueError:
        return None


def _day(date: datetime.date) -> int:
    """The number of a day, as its slices have it."""
    return max(0, (date - _EPOCH).days)
