"""The language of a response or a mail: a member's, a browser's, or the site's (`settings.LANGUAGE_CODE`).

Without `translation.override` Django uses the site's. docs/decisions/languages.md has the reasons.
"""

from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Protocol

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest
from django.utils.translation import get_language, get_language_from_request, override

# Pages that visitors see before the site knows them. None is a public page, so none is cached.
ENTRANCE = ("/accounts/", "/invitation/")
# What is read by programs, or without a user.
_PLAIN = ("/media/", "/.well-known/", "/livez", "/readyz", "/metrics")


class Person(Protocol):
    @property
    def language(self) -> str: ...


def of_request(request: HttpRequest) -> str:
    """The member's; of a visitor the browser's at the entrance, else the site's."""
    # Reads no user for a request without a session, or for a document.
    has_session = settings.SESSION_COOKIE_NAME in request.COOKIES and not _is_document(request.path)
    if has_session:
        # Without PostgreSQL the view answers: it may not need the user, and its form keeps the words.
        with suppress(OperationalError, InterfaceError):
            if request.user.is_authenticated:
                return _or_sites(request.user.language)
    return get_language_from_request(request) if is_entrance(request) else settings.LANGUAGE_CODE


def is_entrance(request: HttpRequest) -> bool:
    return request.path.startswith(ENTRANCE)


def of(person: Person | object) -> AbstractContextManager[object]:
    """What is rendered inside is for this person; someone without an account keeps the request's language."""
    language = getattr(person, "language", None)
    return nullcontext() if language is None else override(_or_sites(language))


def of_site() -> AbstractContextManager[object]:
    return override(settings.LANGUAGE_CODE)


def to_store() -> str:
    """The present language as a user has it: "" for the site's."""
    language = get_language() or ""
    return "" if language == settings.LANGUAGE_CODE else language


def _or_sites(language: str) -> str:
    """A later release may no longer have the language."""
    return language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def _is_document(path: str) -> bool:
    return path.startswith(_PLAIN) or "." in path.rpartition("/")[2]
