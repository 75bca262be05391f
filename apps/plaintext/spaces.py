"""White space for HTML that no style sheet comes with: what feed readers and mail programs show."""

import re

_NO_BREAK = "\N{NO-BREAK SPACE}"
_TAB = _NO_BREAK * 4
_AT_START = re.compile(r'(^|<br>|<(?:p|span) dir="auto"[^>]*>)( +)')
_RUN = re.compile(" {2,}")


def kept_spaces(html: str) -> str:
    """The HTML with its indentation, runs of spaces and tabs as spaces that HTML does not collapse.

    Lines begin with ``<br>``, ``<p dir="auto">`` or ``<span dir="auto">``. No tag has two spaces in a row.
    """
    html = html.replace("\t", _TAB)
    html = _AT_START.sub(lambda found: found[1] + _NO_BREAK * len(found[2]), html)
    return _RUN.sub(lambda run: _NO_BREAK * (len(run[0]) - 1) + " ", html)
