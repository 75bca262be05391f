"""The pages of settings, by section: the navigation that all of them show."""

from collections.abc import Iterator
from typing import NamedTuple

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Page(NamedTuple):
    path: str
    label: Promise
    # The setting without which there is no such page.
    needs: str = ""


class Section(NamedTuple):
    label: Promise
    pages: tuple[Page, ...]


SECTIONS = (
    Section(
        _("you"),
        (
            Page("/settings/", _("profile")),
            Page("/settings/face/", _("face")),
            Page("/settings/writing/", _("writing")),
            Page("/settings/by-mail/", _("by mail"), needs="INBOUND_ADDRESS"),
            Page("/invitations/", _("invitations")),
        ),
    ),
    Section(
        _("reading"),
        (
            Page("/settings/language/", _("language")),
            Page("/settings/mutes/", _("mutes")),
            Page("/settings/favourites/", _("thanks")),
            Page("/settings/keys/", _("keys")),
        ),
    ),
    Section(_("notices"), (Page("/settings/notices/", _("notices")),)),
    Section(
        _("privacy"),
        (
            Page("/settings/privacy/", _("privacy")),
            Page("/settings/messages/", _("messages")),
            Page("/settings/blocks/", _("blocks")),
        ),
    ),
    Section(
        _("sign-in"),
        (
            Page("/accounts/email/", _("e-mail")),
            Page("/accounts/password/change/", _("password")),
            Page("/accounts/2fa/", _("second factor")),
            Page("/accounts/sessions/", _("devices")),
            Page("/settings/security/", _("what happened")),
            Page("/settings/tokens/", _("programs")),
        ),
    ),
    Section(
        _("your data"),
        (
            Page("/settings/export/", _("take out")),
            Page("/settings/import/", _("bring in")),
            Page("/settings/leave/", _("leave")),
        ),
    ),
)


def sections() -> list[Section]:
    """The sections, with the pages that this site has."""
    return [
        section._replace(
            pages=tuple(page for page in section.pages if not page.needs or getattr(settings, page.needs))
        )
        for section in SECTIONS
    ]


def current(path: str) -> tuple[Section, Page] | None:
    """The section and the page that an address belongs to: a form's address belongs to the page it is on."""
    found = [(section, page) for section, page in _pages() if path.startswith(page.path)]
    return max(found, key=lambda one: len(one[1].path), default=None)


def _pages() -> Iterator[tuple[Section, Page]]:
    for section in sections():
        for page in section.pages:
            yield section, page
