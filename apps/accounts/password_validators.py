"""Password validators. They see new passwords only: what was chosen under earlier rules keeps working."""

import re
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import password_validation as django
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts import common_passwords

# Common words, and the text of the page footer, which is the demo account's password.
_WORDS = frozenset({"kwippy", "kwipping", "kwipper", "kwips", "kwip", "happykwipping", "password", "welcome"})
# A password needs this many letters besides the site's words and its owner's names.
_LETTERS = 4
# A sentence fits. What is hashed is bounded.
LONGEST = 256


class NoSiteWords:
    """Rejects passwords that consist of the site's words, digits, signs and few other letters."""

    def validate(self, password: str, user: Any = None) -> None:
        if not _is_too_long(password) and _is_made_of(password, site_words()):
            raise ValidationError(
                _("everybody who wants in here tries that one first. something of your own?"),
                code="password_of_site_words",
            )

    def get_help_text(self) -> str:
        return _("not the name of this site.")


class NotAboutYou(django.UserAttributeSimilarityValidator):
    """Also rejects what consists of name or address, digits, signs and few other letters."""

    def __init__(self) -> None:
        super().__init__(user_attributes=("username", "display_name", "email"))

    def validate(self, password: str, user: Any = None) -> None:
        if _is_too_long(password):
            return
        super().validate(password, user)
        for attribute in self.user_attributes if user else ():
            words = _words(str(getattr(user, attribute, "") or ""))
            if _is_made_of(password, words):
                name = str(user._meta.get_field(attribute).verbose_name)
                raise ValidationError(
                    self.get_error_message(), code="password_too_similar", params={"verbose_name": name}
                )

    def get_error_message(self) -> str:
        return _("that is too much like your %(verbose_name)s.")


class LongEnough(django.MinimumLengthValidator):
    def __init__(self, min_length: int = common_passwords.SHORTEST) -> None:
        super().__init__(min_length)

    def get_error_message(self) -> str:
        return (
            ngettext(
                "a little longer, please: %d character at least.",
                "a little longer, please: %d characters at least.",
                self.min_length,
            )
            % self.min_length
        )


class ShortEnough:
    """Bounds what is hashed. It is far beyond a sentence."""

    def validate(self, password: str, user: Any = None) -> None:
        if _is_too_long(password):
            raise ValidationError(
                _("a little shorter, please: %(most)d characters at most, and these are %(count)d."),
                code="password_too_long",
                params={"most": LONGEST, "count": len(password)},
            )

    def get_help_text(self) -> str:
        return ""


class NotCommon:
    def validate(self, password: str, user: Any = None) -> None:
        if not _is_too_long(password) and common_passwords.is_common(password):
            raise ValidationError(
                _("too many people have that one. something of your own?"), code="password_too_common"
            )

    def get_help_text(self) -> str:
        return _("not what everybody takes.")


def site_words() -> frozenset[str]:
    """Common words, the site's name, and the longer parts of its host name."""
    host = urlsplit(settings.SITE_URL).hostname or ""
    names = (settings.SITE_NAME, *host.split("."))
    own = (_letters(name.casefold()) for name in names)
    return _WORDS | {word for word in own if len(word) >= _LETTERS}


def _is_too_long(password: str) -> bool:
    """Then `ShortEnough` refuses it. Django asks all validators, and folding makes some letters eighteen."""
    return len(password) > LONGEST


def _is_made_of(password: str, words: Collection[str]) -> bool:
    """Whether it contains one of the words, and few letters besides them."""
    letters = _letters(common_passwords.folded(password))
    others = letters
    for word in sorted(words, key=len, reverse=True):
        others = others.replace(word, "")
    return others != letters and len(others) < _LETTERS


def _words(text: str) -> set[str]:
    """The longer words of a name or an address, and all of it."""
    folded = common_passwords.folded(text)
    words = {_letters(part) for part in [folded, *re.split(r"\W+", folded)]}
    return {word for word in words if len(word) >= _LETTERS}


def _letters(text: str) -> str:
    return re.sub(r"[\W\d_]+", "", text)
