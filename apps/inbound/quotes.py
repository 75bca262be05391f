"""Takes off what a mail program added to a text: signatures, and quotes of what is answered.

Line by line, in time that grows with the length: mail is untrusted input. The one library for it
that is kept (mail-parser-reply) takes 18 seconds for 20,000 empty lines, and cuts a text at "- tea".
"""

import re

_SIGNATURES = {"-- ", "--"}
# What telephones and programs write at the end, in the languages of the site and some others.
_SENT_FROM = re.compile(
    r"(sent (from|via|with|using)|get outlook for"
    r"|(von|aus) (meinem|mein|unterwegs)\b|gesendet (von|mit)|diese nachricht wurde von"
    r"|enviado (desde|con|a través)|envoyé (de|depuis|avec)|inviato (da|con)|verzonden (vanaf|met)"
    r"|enviado do meu|skickat från|sendt fra|wysłane z|odesláno z)\b",
    re.IGNORECASE,
)
_LONGEST_SENT_FROM = 80  # characters; a longer line is someone's own
# The line before a quote: "On …, ann wrote:". It has a time or an address, and may be broken into a few.
# Other lines that end in a colon are someone's own.
_ATTRIBUTION_ENDS = (":", "：")
_ATTRIBUTION_LINES = 4
_ATTRIBUTION = re.compile(r"\d{1,2}[:.h]\d\d|\b(19|20)\d\d\b|@|<")
_LONGEST_ATTRIBUTION = 300
# Outlook quotes without ">": a line of its own, or a few lines of headers.
_SEPARATOR = re.compile(r"\s*(_{20,}|-{3,} ?[^\W\d_][^-]{3,60} ?-{3,})\s*")
_HEADER = re.compile(r"\s*\*?(\w[\w ]{0,20})\*?\s?:\*?\s\S")
_FROM = {"from", "von", "de", "da", "van", "från", "fra", "od", "expéditeur"}
_OTHERS = {
    "sent", "date", "to", "cc", "subject", "gesendet", "datum", "an", "betreff", "enviado", "fecha", "para",
    "asunto", "envoyé", "à", "objet", "inviato", "data", "oggetto", "verzonden", "aan", "onderwerp",
    "skickat", "till", "ämne", "dato", "til", "emne", "wysłano", "do", "temat",
}  # fmt: skip
_HEADER_LINES = 6


def without_signature(text: str) -> str:
    """For a new kwip: without what stands below "--", a phone's own line, and a quote after "On … wrote:"."""
    lines = _before_signature(text.split("\n"))
    end = len(lines)
    while end and (_is_quoted(lines[end - 1]) or not lines[end - 1].strip()):
        end -= 1
    # Without such a line, a quote at the end is someone's own.
    introduced = _attribution(lines, end)
    return _stripped(lines[:introduced] if introduced < end < len(lines) else lines)


def answer_of(text: str) -> str:
    """For an answer: also without all that it quotes."""
    kept: list[str] = []
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if _is_quoted(line):
            before = _attribution(kept, len(kept))
            if number and not _is_quoted(lines[number - 1]):
                del kept[before:]
        elif _begins_quote(lines, number):
            break
        else:
            kept.append(line)
    return _stripped(_before_signature(kept))


def _is_quoted(line: str) -> bool:
    return line.lstrip(" ").startswith(">")


def _attribution(lines: list[str], end: int) -> int:
    """Where the lines begin that introduce a quote, which begins at ``end``; ``end`` if there are none."""
    last = end - 1
    while last >= 0 and end - last <= 2 and not lines[last].strip():
        last -= 1
    if last < 0 or not lines[last].rstrip().endswith(_ATTRIBUTION_ENDS):
        return end
    first = last
    while first > 0 and last - first < _ATTRIBUTION_LINES and lines[first - 1].strip():
        first -= 1
    # A paragraph of its own; or the fewest lines below someone's own words.
    is_paragraph = last - first < _ATTRIBUTION_LINES
    for start in [first] if is_paragraph else range(last, first, -1):
        words = " ".join(lines[start : last + 1])
        if len(words) <= _LONGEST_ATTRIBUTION and _ATTRIBUTION.search(words):
            return start
    return end


def _begins_quote(lines: list[str], number: int) -> bool:
    """Whether a quote without ">" begins here."""
    if _SEPARATOR.fullmatch(lines[number][:200]):
        return True
    if _header_of(lines[number]) not in _FROM:
        return False
    following = lines[number + 1 : number + 1 + _HEADER_LINES]
    return sum(_header_of(line) in _OTHERS for line in following) >= 2


def _header_of(line: str) -> str:
    found = _HEADER.match(line[:200])
    return found[1].strip().lower() if found else ""


def _before_signature(lines: list[str]) -> list[str]:
    for number, line in enumerate(lines):
        if line in _SIGNATURES:
            lines = lines[:number]
            break
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    last = lines[end - 1].strip() if end else ""
    is_alone = end < 2 or not lines[end - 2].strip()
    if is_alone and len(last) <= _LONGEST_SENT_FROM and _SENT_FROM.match(last):
        end -= 1
    return lines[:end]


def _stripped(lines: list[str]) -> str:
    return "\n".join(line.rstrip() for line in lines).strip("\n")
