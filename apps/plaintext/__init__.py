"""Text by users: normalized on input, made safe on output, truncated, its language detected.

- `clean` and `clean_line` normalize text in every form, including the admin's.
- `safe` is for documents (Atom, mail, previews), and covers rows that were stored before `clean` changed.
- `truncate` and `boundary` shorten at grapheme boundaries.
- `language_of` detects the language.
- `preserve_spaces` is for HTML without a style sheet.
"""

from apps.plaintext.cleaning import clean, clean_line, preserve_spaces, safe
from apps.plaintext.languages import language_of
from apps.plaintext.truncation import boundary, truncate

__all__ = ["boundary", "clean", "clean_line", "language_of", "preserve_spaces", "safe", "truncate"]
