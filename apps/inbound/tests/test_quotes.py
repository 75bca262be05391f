"""What is cut off a text, and what is not."""

import pytest

from apps.inbound.quotes import answer_of, without_signature

ANSWER = "so it is!\n\nthank you"
ON_THE_STOVE = "> it is on the stove"
QUOTES = {
    "gmail": f"On Fri, Nov 27, 2026 at 9:00 AM kwippy <k@kwippy.example> wrote:\n\n{ON_THE_STOVE}\n>\n> bye",
    "gmail, broken": f"On Fri, Nov 27, 2026 at 9:00 AM kwippy <\npost+ra@k.example> wrote:\n\n{ON_THE_STOVE}",
    "apple": f"> On 27 Nov 2026, at 09:00, kwippy <kwippy@kwippy.example> wrote:\n> \n{ON_THE_STOVE}",
    "german": f"Am 27.11.26 um 09:00 schrieb kwippy:\n{ON_THE_STOVE}",
    "spanish": f"El vie, 27 nov 2026 a las 9:00, kwippy (<k@k.example>) escribió:\n\n{ON_THE_STOVE}",
    "japanese": f"2026年11月27日(金) 9:00 kwippy <k@kwippy.example>:\n\n{ON_THE_STOVE}",
    "outlook": f"{'_' * 32}\nFrom: kwippy <k@kwippy.example>\nSent: Friday\nTo: ann\n\nit is",
    "outlook, german": "Von: kwippy <k@k.example>\nGesendet: Freitag\nAn: ann\nBetreff: tee\n\nauf dem herd",
    "outlook, old": "-----Original Message-----\nFrom: kwippy\n\nit is on the stove",
    "nested": "On 27 Nov 2026 ann wrote:\n>> where?\n> there\n>\n> -- \n> bob",
}
SIGNATURES = ("", "\n-- \nann\nkettle inc.\n", "\nSent from my iPhone\n", "\nGesendet von Mail\n")


@pytest.mark.parametrize("quote", QUOTES.values(), ids=QUOTES)
@pytest.mark.parametrize("signature", SIGNATURES)
def test_an_answer_is_what_stands_above_the_quote(quote: str, signature: str) -> None:
    assert answer_of(f"{ANSWER}\n{signature}\n{quote}\n") == ANSWER


def test_an_answer_below_or_between_quotes_is_kept() -> None:
    text = (
        "On 27 Nov 2026 at 9:00, bob wrote:\n> where is it?\n\non the stove\n\n> and the pot?\n\nthere too\n"
    )
    assert answer_of(text) == "on the stove\n\n\nthere too"


@pytest.mark.parametrize(
    "text",
    [
        "shopping:\n- tea\n- milk\nthanks, all\nmore words",
        "here is what i need:\ntea",
        "from: me\nwith love",
        "my recipe -- it is short -- is this",
        "sent from my heart, since i like you more than all the kettles of this world and the next one",
        "---\na rule, and words",
        "at 9:00 we said:",
    ],
)
def test_ones_own_words_stay(text: str) -> None:
    assert answer_of(text) == text
    assert without_signature(text) == text


def test_a_kwip_may_quote() -> None:
    text = "> to be or not to be\n\ni read that at 9:00 today"
    assert without_signature(text) == text
    assert without_signature(f"what a line:\n{text}") == f"what a line:\n{text}"
    assert without_signature("a line\n\n> of somebody") == "a line\n\n> of somebody"


def test_a_kwip_has_no_signature_and_nothing_of_an_answered_mail() -> None:
    assert without_signature("rain\n\n-- \nann\n") == "rain"
    assert without_signature("rain\n\nVon meinem iPhone gesendet\n") == "rain"
    assert without_signature(f"rain\n\n{QUOTES['gmail']}\n") == "rain"


@pytest.mark.parametrize(
    "line", ["", "> ", "a\n> ", "On 1:00 <", "From: a", "x:", "-- ", "--", "_" * 50, ">" * 50, " "]
)
def test_the_time_grows_with_the_length(line: str) -> None:
    text = (line + "\n") * (1_000_000 // (len(line) + 1))
    answer_of(text)
    without_signature(text)
