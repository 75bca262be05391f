"""Texts: what 100,000 characters cost to show, as they are typed and formatted, hostile ones and a letter.

No text may take a request for long: each is rendered once, when its card is. Measured in this process alone,
on one core; the figures are the slowest hostile text beside a letter of the same length, and milliseconds.
"""

import os
import time
from collections.abc import Callable

from bench.lib.measure import Ratio
from bench.lib.report import Result

PROGRAMS = ()
MODULES = ()
SIZE = 100_000  # characters
ROUNDS = {"small": 5, "full": 15}
LETTER = """\
I have thought about *this* for a while, and so should you, since nothing is known for certain. Here is
`why`, at https://a.example/tea #tea.

"""
# Each is repeated; "below the limit" is as much of it as is formatted, with words behind it.
HOSTILE = {
    "stars": "*", "pairs of stars": "*a* ", "quotes": ">", "quoted lines": ">>>>>>>> a\n", "items": "- a\n",
    "numbers": "1. a\n", "nested": "> - > - a\n", "backticks": "`", "code": "`a` ", "fences": "```\n",
    "brackets": "[a](", "tags": "*#ab* ", "sites": "http://a.com/ *x ",
    "addresses": "*http://a.com/& ", "paragraphs": "> a\n\n",
}  # fmt: skip


def run(*, size: str) -> Result:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kwippy.settings")
    import django

    django.setup()
    from apps.kwips import formatting, text

    def below(part: str) -> str:
        """As much of it as is formatted, and words."""
        marks = max(1, sum(part.count(mark) for mark in "*`>-+\n1"))
        beginning = part * (min(formatting.MOST_MARKS, formatting.MOST_LINES) // (2 * marks))
        return (beginning + "so it is " * SIZE)[:SIZE]

    texts = {"a letter": (LETTER * SIZE)[:SIZE]}
    for name, part in HOSTILE.items():
        texts[name] = (part * SIZE)[:SIZE]
        texts[f"{name}, below the limit"] = below(part)
    rounds = range(ROUNDS[size])
    shown = {
        name: ([_milliseconds(text.to_html, source) for _ in rounds],
               [_milliseconds(formatting.to_html, source) for _ in rounds])
        for name, source in texts.items()
    }  # fmt: skip
    return _result(shown)


def _milliseconds(to_html: Callable[[str], str], source: str) -> float:
    begun = time.process_time()
    to_html(source)
    return (time.process_time() - begun) * 1000


def _result(shown: dict[str, tuple[list[float], list[float]]]) -> Result:
    slowest = max(shown, key=lambda name: min(shown[name][1]))
    figures: dict[str, Ratio | float | int] = {
        "slowest_formatted_milliseconds": round(max(shown[slowest][1]), 1),
        "letter_formatted_times_as_long_as_plain": Ratio(
            tuple(one / other for one, other in zip(*reversed(shown["a letter"]), strict=True))
        ),
    }
    table = [f"{'milliseconds for 100,000 characters':<40}{'plain':>8}{'formatted':>12}"]
    table += [
        f"{name:<40}{min(plain):>8.1f}{min(formatted):>12.1f}" for name, (plain, formatted) in shown.items()
    ]
    details = {
        "milliseconds": {name: {"plain": plain, "formatted": made} for name, (plain, made) in shown.items()}
    }
    return Result(figures, details | {"slowest": slowest}, table)
