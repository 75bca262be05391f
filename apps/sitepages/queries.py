"""Reads of the pages."""

import datetime
from typing import NamedTuple

from django.conf import settings
from django.template.loader import render_to_string

from apps.accounts import leaving
from apps.accounts.applications import REFUSED_LIFETIME
from apps.accounts.names import RESERVED_FOR, SIGN_UP_LIFETIME
from apps.securitylog.models import DAYS as SECURITY_DAYS
from apps.sitepages.models import SitePage, Slug

# When the texts in `templates/sitepages/texts/` were last changed.
TEXTS_WRITTEN = datetime.datetime(2026, 11, 27, tzinfo=datetime.UTC)
_DAY = 86_400


class Shown(NamedTuple):
    """What a page shows. The language of its text is "" if an operator wrote it."""

    title: str
    text: str
    changed_at: datetime.datetime
    language: str


def shown(slug: str) -> Shown:
    """The operator's text, or that of the release."""
    page = SitePage.objects.filter(pk=slug).first()
    text = page.text if page is not None else ""
    changed_at = (page.changed_at if page is not None else None) or TEXTS_WRITTEN
    title = str(Slug(slug).label)
    if text:
        return Shown(title, text, changed_at, language="")
    return Shown(title, text_of_release(slug), max(changed_at, TEXTS_WRITTEN), language="en")


def text_of_release(slug: str) -> str:
    """The text of the release, with the periods that this site is set to."""
    context = {
        "site_name": settings.SITE_NAME,
        "notice_days": settings.NOTICE_DAYS,
        "seen_mail_days": settings.INBOUND_SEEN_DAYS,
        "invitation_days": settings.INVITATION_DAYS,
        "security_days": SECURITY_DAYS,
        "session_days": settings.SESSION_COOKIE_AGE // _DAY,
        "idle_days": settings.SESSION_IDLE_DAYS,
        "sign_up_days": SIGN_UP_LIFETIME.days,
        "application_days": REFUSED_LIFETIME.days,
        "former_name_days": RESERVED_FOR.days,
        "leaving_days": leaving.DAYS,
    }
    return render_to_string(f"sitepages/texts/{slug}.txt", context).strip()
