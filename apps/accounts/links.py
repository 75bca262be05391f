"""The links on a person's page, and whether the linked page links back (`rel=me`)."""

import datetime
import re
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.tasks import task
from django.utils import timezone

from apps import limits
from apps.accounts import events
from apps.accounts.guarded_fetch import Guard, Page, Unreadable, fetch
from apps.accounts.models import FormerName, ProfileLink, User

EVERY = datetime.timedelta(days=7)
# A page that can't be read is tried again; the mark stays so long.
AGAIN = datetime.timedelta(days=1)
PATIENCE = datetime.timedelta(days=14)
CHECKED = "https://"  # links by http are shown, and never read
AT_ONCE = 200  # links that one command enqueues

_RAW = ("script", "style", "textarea", "title", "template")
_TAG = re.compile(rf"<!--|<(?P<raw>{'|'.join(_RAW)})\b|<(?:a|link)\s[^<>]{{1,2000}}>", re.IGNORECASE)
_ENDS = {raw: re.compile(f"</{raw}", re.IGNORECASE) for raw in _RAW} | {"": re.compile("-->")}


@cache
def guard() -> Guard:
    return Guard()


def of(person_id: int) -> list[ProfileLink]:
    return list(ProfileLink.objects.filter(person=person_id).order_by("position"))


def replace(person: User, urls: Sequence[str]) -> bool:
    """Makes these the person's links, and enqueues the check of new ones. Returns whether they differed.

    The caller holds the lock of the person.
    """
    before = {link.url: link for link in of(person.pk)}
    if list(before) == list(urls):
        return False
    ProfileLink.objects.filter(person=person).delete()
    for position, url in enumerate(urls):
        kept = before.get(url)
        link = ProfileLink(person=person, position=position, url=url)
        if kept is not None:
            link.verified_at, link.check_at = kept.verified_at, kept.check_at
        link.save()
        if kept is None and url.startswith(CHECKED):
            check.enqueue(link.pk)
    return True


@task(queue_name="bulk")
def check(link_id: int) -> bool:
    """Reads the linked page, and records whether it links back. Returns that."""
    link = ProfileLink.objects.select_related("person").filter(pk=link_id).first()
    if link is None or not link.person.is_active:
        return False
    # Many people may name one host.
    if not limits.hit("link_check", urlsplit(link.url).hostname):
        ProfileLink.objects.filter(pk=link_id).update(check_at=timezone.now() + AGAIN)
        return False
    former = FormerName.objects.filter(user=link.person, kept_until__gt=Now()).values_list("name", flat=True)
    try:
        is_back = links_back(fetch(link.url, guard()), {link.person.username, *former})
    except Unreadable:
        is_patient = link.verified_at is not None and link.verified_at > timezone.now() - PATIENCE
        return _record(link, link.verified_at if is_patient else None, again=AGAIN)
    return _record(link, timezone.now() if is_back else None, again=EVERY)


@transaction.atomic
def _record(link: ProfileLink, verified_at: datetime.datetime | None, *, again: datetime.timedelta) -> bool:
    row = ProfileLink.objects.filter(pk=link.pk)
    is_there = row.update(verified_at=verified_at, check_at=timezone.now() + again)
    if is_there and bool(verified_at) != bool(link.verified_at):
        events.profile_changed.emit(events.ProfileChanged(link.person, frozenset({"links"})))
    return bool(is_there and verified_at)


@task(queue_name="bulk")
@transaction.atomic
def check_due() -> int:
    """Enqueues the checks of links that were not checked for a week. Returns how many."""
    due = ProfileLink.objects.filter(check_at__lte=timezone.now(), url__startswith=CHECKED)
    ids = list(due.order_by("check_at").values_list("pk", flat=True)[:AT_ONCE])
    ProfileLink.objects.filter(pk__in=ids).update(check_at=timezone.now() + AGAIN)
    for pk in ids:
        check.enqueue(pk)
    return len(ids)


def links_back(page: Page, names: Collection[str]) -> bool:
    """Whether the page says by `rel=me` that it is of the person with one of these user names."""
    parser = _RelMe()
    for tag in _tags(page.html):
        parser.feed(tag)
    return any(_leads_to(page.url, href, names) for href in parser.found)


def _tags(html: str) -> Iterator[str]:
    """The tags of links, outside of comments, scripts and the like.

    In linear time. `HTMLParser` alone takes minutes for a megabyte of "<a <a <a …".
    """
    position = 0
    while found := _TAG.search(html, position):
        position = found.end()
        if found["raw"] is None and found[0] != "<!--":
            yield found[0]
        elif end := _ENDS[(found["raw"] or "").lower()].search(html, position):
            position = end.end()
        else:
            return


def _leads_to(base: str, href: str, names: Collection[str]) -> bool:
    try:
        parts = urlsplit(urljoin(base, href))
    except ValueError:
        return False
    site = f"{parts.scheme}://{parts.netloc}".lower() == settings.SITE_URL.lower()
    return site and not parts.query and parts.path.strip("/").lower() in names


class _RelMe(HTMLParser):
    """Collects the addresses of `<a rel=me>` and `<link rel=me>`."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("a", "link"):
            values = dict(attrs)
            if "me" in (values.get("rel") or "").lower().split() and (href := values.get("href")):
                self.found.append(href)
