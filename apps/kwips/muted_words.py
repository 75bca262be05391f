"""Muted words, phrases and tags: how they are read, and the SQL that finds them in texts.

PostgreSQL folds both: a word when it is muted, a text when a timeline reads it, inside the plan. So a change
of the text is seen at once, and no table of words is kept. A tag is compared by its canonical name.
"""

from typing import NamedTuple

from django.db import connection
from django.utils.translation import gettext as _

from apps.kwips.text import TAG_LENGTH, tag_name, tags
from apps.kwips.visibility import SQL
from apps.statements import Sql

LONGEST_FOLDED = 200

# For bracket expressions of PostgreSQL: marks that a fold removes (accents, points of Hebrew and Arabic).
_MARKS = (
    r"\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670"
    r"\u093c\u09bc\u0a3c\u0abc\u0b3c"
)
# What words consist of; the Indic blocks without the danda, since some of their signs are no letters.
LETTERS = r"[:alnum:]_\u0900-\u0963\u0966-\u0dff"
# The scripts of `links.UNSPACED`, in their decomposed forms.
_UNSPACED = (
    r"\u0e00-\u0fff\u1000-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u312f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    r"\U00020000-\U0003ffff"
)
# Letters of their own that no decomposition leads to.
_ALIKE = "øłđðħıیىکة", "olddhiييكه"

SQL.fragments |= {"letters": Sql(LETTERS, {}), "unspaced": Sql(_UNSPACED, {})}

_TAGS_OF_K = "SELECT t.tag_id FROM kwips_kwiptag t WHERE t.kwip_id = k.id"


def folded(text: str) -> str:
    """The SQL of a text without case and accents, in one spelling of each character."""
    plain = f'casefold(normalize({text}, NFKD) COLLATE "pg_unicode_fast")'
    whole = f"translate(regexp_replace({plain}, '[{_MARKS}]+', '', 'g'), '{_ALIKE[0]}', '{_ALIKE[1]}')"
    # Most texts are ASCII: a tenth of the time.
    return f"CASE WHEN octet_length({text}) = char_length({text}) THEN lower({text}) ELSE {whole} END"


def noted(row: str) -> str:
    """The SQL of a kwip's text with the note before it."""
    both = f"{row}.content_note || chr(10) || {row}.text"
    return f"CASE WHEN {row}.content_note = '' THEN {row}.text ELSE {both} END"


def said(kwip_id: str) -> str:
    """The SQL of one row `said`, whose ``words`` are the note, the text and the texts of the pictures."""
    alts = (
        "SELECT string_agg(p.alt, chr(10)) FROM kwips_kwippicture kp"
        " JOIN pictures_picture p ON p.id = kp.picture_id WHERE kp.kwip_id = whole.id"
    )
    words = f"concat_ws(chr(10), {noted('whole')}, CASE WHEN whole.thread_id IS NULL THEN ({alts}) END)"
    # OFFSET 0: `folded` names the words several times, which are to be read once.
    return f"(SELECT {words} AS words FROM kwips_kwip whole WHERE whole.id = {kwip_id} OFFSET 0) said"  # noqa: S608 - constants


_FOLDED_K = f"(SELECT {folded('said.words')} FROM {said('k.id')})"  # noqa: S608 - constants


def pattern(which: str) -> Sql:
    """The pattern of the viewer's muted words; ``which`` is a condition for the mute `m`."""
    return SQL.load("muted_pattern", which=which)


def muted_tags(which: str) -> Sql:
    return SQL.load("muted_tags", which=which)


def unworded(which: str, *, text: str = _FOLDED_K, tags: str = _TAGS_OF_K) -> Sql:
    """A condition: the kwip `k` has nothing that the viewer mutes. ``text`` is folded."""
    return SQL.load(
        "unworded",
        muted_pattern=pattern(which),
        muted_tags=muted_tags(which),
        folded=text,
        tags=tags,
    )


class NoWord(Exception):
    """What was typed is neither a word nor a tag; the message says why."""


class Word(NamedTuple):
    """A word or tag as it was typed, and what is compared."""

    word: str
    folded: str
    is_tag: bool


def parse(typed: str) -> Word:
    """Reads "tea", "star wars" or "#tea". Raises `NoWord`."""
    word = " ".join(typed.split())
    if len(word.removeprefix("#")) > TAG_LENGTH:
        raise NoWord(_("that's long. %d characters are the most.") % TAG_LENGTH)
    if word.startswith(("#", "＃")):
        name = tag_name(word[1:])
        if tags(f"#{name}") != [name]:
            raise NoWord(_("that's no tag. a tag is a # and one word."))
        return Word(f"#{name}", name, is_tag=True)
    with connection.cursor() as cursor:
        # As a text is folded; what is no letter separates words.
        cursor.execute(
            f"SELECT btrim(regexp_replace({folded('typed')}, '[^{LETTERS}]+', ' ', 'g'))"  # noqa: S608 - constants
            " FROM (VALUES (%s)) AS word (typed)",
            [word],
        )
        [plain] = cursor.fetchone()
    if not plain or len(plain) > LONGEST_FOLDED:
        raise NoWord(_("there's no word in that."))
    return Word(word, plain, is_tag=False)
