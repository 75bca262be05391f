"""Password validators."""

import re
import unicodedata
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import password_validation as django
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

# Common words, and the text of the page footer, which is the demo account's password.
_WORDS = frozenset({"kwippy", "kwipping", "kwipper", "kwips", "kwip", "happykwipping", "password", "welcome"})
# A password needs this many letters besides the site's words.
_LETTERS = 4


class NoSiteWords:
    """Rejects passwords that consist of the site's words, digits, signs and few other letters."""

    def validate(self, password: str, user: Any = None) -> None:
        folded = unicodedata.normalize("NFKC", password).casefold()
        letters = "".join(re.findall(r"[^\W\d_]", folded))
        others = letters
        for word in sorted(site_words(), key=len, reverse=True):
            others = others.replace(word, "")
        if others != letters and len(others) < _LETTERS:
            raise ValidationError(
                _("everybody who wants in here tries that one first. something of your own?"),
                code="password_of_site_words",
            )

    def get_help_text(self) -> str:
        return _("not the name of this site.")


class NotAboutYou(django.UserAttributeSimilarityValidator):
    def get_error_message(self) -> str:
        return _("that is too much like your %(verbose_name)s.")


class LongEnough(django.MinimumLengthValidator):
    def get_error_message(self) -> str:
        return (
            ngettext(
                "a little longer, please: %d character at least.",
                "a little longer, please: %d characters at least.",
                self.min_length,
            )
            % self.min_length
        )


class NotCommon(django.CommonPasswordValidator):
    def get_error_message(self) -> str:
        return _("too many people have that one. something of your own?")


def site_words() -> frozenset[str]:
    """Common words, the site's name, and the longer parts of its host name."""
    host = urlsplit(settings.SITE_URL).hostname or ""
    names = (settings.SITE_NAME, *host.split("."))
    own = ("".join(re.findall(r"[^\W\d_]", name.casefold())) for name in names)
    return _WORDS | {word for word in own if len(word) >= _LETTERS}
