"""Text that people type: cleaned on the way in, made safe on the way out, shortened, its language told.

- `clean` and `clean_line` are what every form, and the admin's, puts a person's text through.
- `safe` is for documents (Atom, mail, previews): what was stored before `clean` knew of a character.
- `cut` shortens, never through a character as readers see it.
- `language_of` tells the language, or nothing.
- `kept_spaces` is for HTML without a style sheet of ours.
"""

from apps.plaintext.cleaning import clean, clean_line, safe
from apps.plaintext.cutting import boundary, cut
from apps.plaintext.languages import language_of
from apps.plaintext.spaces import kept_spaces

__all__ = ["boundary", "clean", "clean_line", "cut", "kept_spaces", "language_of", "safe"]
