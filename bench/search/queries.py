"""What is looked for: words by how common they are, phrases and pairs of words, all of the community."""

import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from bench.lib.database import ROOT
from bench.lib.measure import Call

WORDS, PHRASES, PAIRS = 40, 10, 10
RAREST = 100_000  # one kwip in so many
SEED = 2008
SIGNS = "()[]{}<>|~@#"


@dataclass(frozen=True)
class Asked:
    text: str
    kind: str
    matches: int


def recipe() -> str:
    """A digest of what the index depends on."""
    digest = hashlib.sha256()
    for name in ("words.py", "slices.py", "statements.py"):
        digest.update((ROOT / "apps" / "search" / name).read_bytes())
    return digest.hexdigest()[:8]


def index(database: str) -> None:
    """Fills the index of a database, in a process of its own."""
    words = [sys.executable, __file__]
    environment = os.environ | {"DATABASE_NAME": database, "PYTHONPATH": str(ROOT)}
    subprocess.run(words, cwd=ROOT, env=environment, stdout=sys.stderr, check=True)


def chosen() -> list[Asked]:
    """The words, the commonest first, then phrases and pairs."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM search_entry")
        [total] = cursor.fetchone()
        cursor.execute(
            "SELECT word, ndoc FROM ts_stat('SELECT words FROM search_entry') WHERE left(word, 1) <> ALL (%s)"
            " ORDER BY ndoc DESC, word",
            [list(SIGNS)],
        )
        counted = cursor.fetchall()
        words = spread(counted, total)
        chance = random.Random(SEED)
        cursor.execute(
            "SELECT text FROM kwips_kwip WHERE id = ANY (%s) ORDER BY id",
            [chance.sample(range(1, total), 3_000)],
        )
        texts = [text for (text,) in cursor.fetchall()]
        together = [*phrases(texts, chance), *pairs(texts, dict(counted), chance)]
        return words + [Asked(text, kind, matches(cursor, text)) for text, kind in together]


def spread(counted: Sequence[tuple[str, int]], total: int) -> list[Asked]:
    """Words of all frequencies, in equal ratios from the commonest to the rarest."""
    most, least = counted[0][1], max(1, total // RAREST)
    found: dict[str, int] = {}
    for number in range(WORDS):
        wanted = most * (least / most) ** (number / (WORDS - 1))
        word, count = min(
            (each for each in counted if each[0] not in found), key=lambda each: abs(each[1] - wanted)
        )
        found[word] = count
    return [Asked(word, "word", count) for word, count in sorted(found.items(), key=lambda each: -each[1])]


def phrases(texts: Sequence[str], chance: random.Random) -> list[tuple[str, str]]:
    """Two or three words that stand together in a text."""
    from apps.search.words import parts

    found: dict[str, None] = {}
    for text in texts:
        said = [part.text for part in parts(text)]
        length = chance.choice((2, 3))
        if len(said) > length:
            at = chance.randrange(len(said) - length)
            found[f'"{" ".join(said[at : at + length])}"'] = None
    return [(text, "phrase") for text in list(found)[:PHRASES]]


def pairs(texts: Sequence[str], counts: dict[str, int], chance: random.Random) -> list[tuple[str, str]]:
    """Two words of one text: the rarest with the commonest, or any two."""
    from apps.search.words import parts

    found: dict[str, None] = {}
    for text in texts:
        said = sorted(
            {part.text for part in parts(text) if part.text in counts}, key=lambda word: counts[word]
        )
        if len(said) > 3:
            two = (said[0], said[-1]) if len(found) % 2 else chance.sample(said, 2)
            found[" ".join(two)] = None
    return [(text, "pair") for text in list(found)[-PAIRS:]]


def matches(cursor, text: str) -> int:  # type: ignore[no-untyped-def]
    from apps.search.query import parse

    cursor.execute("SELECT count(*) FROM search_entry WHERE words @@ %s::tsquery", [parse(text).text])
    return int(cursor.fetchone()[0])


def ours(asked: Asked) -> Call:
    """The first page of ids, as the site reads it."""
    from apps.search import queries
    from apps.search.query import parse

    query = parse(asked.text)
    return lambda: queries.kwips(query, {}, viewer=None, keep={})


def beside_plain(asked: Sequence[Asked]) -> dict[str, Call]:
    """The commonest, a middle and the rarest word: ours, and one statement with ORDER BY and LIMIT."""
    words = [each for each in asked if each.kind == "word"]
    found: dict[str, Call] = {}
    for name, each in (("commonest", words[0]), ("middle", words[len(words) // 2]), ("rarest", words[-1])):
        found[f"{name}, ours"] = ours(each)
        found[f"{name}, plain"] = plain(each)
    return found


def plain(asked: Asked) -> Call:
    from django.db import connection

    from apps.search.query import parse

    text = parse(asked.text).text

    def read() -> object:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT k.id FROM search_entry e JOIN kwips_kwip k ON k.id = e.kwip_id"
                " WHERE e.words @@ %s::tsquery AND k.withheld = 0 AND k.visibility = 0"
                " ORDER BY e.kwip_id DESC LIMIT 21",
                [text],
            )
            return cursor.fetchall()

    return read


def _index() -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("searchindex")
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = on")
        cursor.execute("VACUUM (ANALYZE) search_entry")


if __name__ == "__main__":
    _index()
