"""The rows of each section. They are read in batches, by position: memory does not grow with the account."""

import datetime
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db.models import F, Model, Q, QuerySet

from apps.accounts import faces
from apps.accounts.models import FormerName, Invitation, ProfileLink, User
from apps.archive.registry import Row, Rows
from apps.contact.models import Message as ContactMessage
from apps.graph.models import MutedWord
from apps.kwips.models import Kwip, Pin, Revision, Track
from apps.kwips.picture_models import KwipPicture
from apps.kwips.visibility import VisibleTo
from apps.messages.models import Message, Preference, Report
from apps.notifications import preferences
from apps.notifications.models import Preferences
from apps.notifications.registry import KINDS
from apps.pictures.models import Picture
from apps.securitylog.models import Entry
from apps.tokens.models import Token

BATCH = 50  # rows of a query; the longest texts have 100,000 characters


def when(time: datetime.datetime | None) -> str | None:
    return time.isoformat() if time else None


def kwip_url(username: str, kwip_id: int) -> str:
    return f"{settings.SITE_URL}/{username}/kwip/{kwip_id}/"


def batches(rows: QuerySet[Any], beyond: int, *, key: str = "pk") -> Iterator[Sequence[Any]]:
    """The rows beyond a position in the order of ``key``."""
    rows = rows.order_by(key)
    while batch := list(rows.filter(**{f"{key}__gt": beyond})[:BATCH]):
        yield batch
        beyond = getattr(batch[-1], key)


def listed(rows: Callable[[int], QuerySet[Any]], of: Callable[[Any], dict[str, Any]]) -> Rows:
    """The section whose rows are these objects, each as ``of`` says."""

    def read(person_id: int, beyond: int) -> Iterator[Row]:
        for batch in batches(rows(person_id), beyond):
            for row in batch:
                yield row.pk, of(row)

    return read


def single(of: Callable[[int], dict[str, Any] | None]) -> Rows:
    """The section with one row, or none."""

    def read(person_id: int, beyond: int) -> Iterator[Row]:
        if beyond < 0 and (row := of(person_id)) is not None:
            yield 0, row

    return read


def marked(model: type[Model], owner: str, extra: Callable[[Any], dict[str, Any]], key: str = "pk") -> Rows:
    """Marks on kwips: the address and the author of those that the person may see now, never their text."""

    def read(person_id: int, beyond: int) -> Iterator[Row]:
        for batch in batches(model._default_manager.filter(**{owner: person_id}), beyond, key=key):
            ids = {mark.kwip_id for mark in batch}
            visible = Kwip.objects.filter(VisibleTo(person_id), pk__in=ids)
            authors = dict(visible.values_list("pk", "author__username"))
            for mark in batch:
                if author := authors.get(mark.kwip_id):
                    address = {"url": kwip_url(author, mark.kwip_id), "author": author}
                    yield getattr(mark, key), address | extra(mark)

    return read


def profile_of(person_id: int) -> dict[str, Any] | None:
    person = User.objects.get(pk=person_id)
    takes = Preference.objects.filter(user=person_id).first() or Preference()
    links = ProfileLink.objects.filter(person=person_id).order_by("position")
    pinned = Kwip.objects.filter(author=person, pk__in=Pin.objects.filter(person=person).values("kwip_id"))
    names = FormerName.objects.filter(user=person_id).order_by("pk")
    return {
        "username": person.username,
        "former_names": list(names.values_list("name", flat=True)),
        "display_name": person.display_name,
        "about": person.bio,
        "pronouns": person.pronouns,
        "place": person.location,
        "links": list(links.values_list("url", flat=True)),
        "pinned": next((kwip_url(person.username, kwip.pk) for kwip in pinned.only("pk")), None),
        "email": person.email,
        "picture": "picture.webp" if person.picture else None,
        "header": "header.webp" if person.header_picture else None,
        "face": faces.in_words(person.face),
        "joined_at": when(person.joined_at),
        "is_private": person.is_private,
        "has_shortcuts": person.has_shortcuts,
        "formats_texts": person.formats_texts,
        "reminds_alt": person.reminds_alt,
        "takes_messages": takes.takes_messages,
        "takes_buzzes": takes.takes_buzzes,
    }


def notices_of(person_id: int) -> dict[str, Any] | None:
    chosen = Preferences.objects.filter(user=person_id).first() or Preferences()
    return {
        "channels": {kind: preferences.channel(chosen, kind) for kind in KINDS},
        "digest": str(chosen.digest),
        "hour": chosen.hour,
        "time_zone": chosen.time_zone or "UTC",
    }


def pictures_of(person_id: int) -> Iterator[Picture]:
    """Those of their kwips, the newest first."""
    used = KwipPicture.objects.filter(picture__owner=person_id).values("picture")
    return Picture.objects.filter(owner=person_id, pk__in=used).order_by("-pk").iterator(BATCH)


def kwips_of(person_id: int) -> QuerySet[Kwip]:
    kwips = Kwip.objects.filter(author=person_id, thread=None).select_related("author")
    return kwips.prefetch_related("pictures__picture")


def kwip(kwip: Kwip) -> dict[str, Any]:
    return {
        "url": kwip_url(kwip.author.username, kwip.pk),
        "text": kwip.text,
        "note": kwip.content_note,
        "formatted": kwip.is_formatted,
        "created_at": when(kwip.created_at),
        "edited_at": when(kwip.edited_at),
        "followers_only": kwip.followers_only,
        "key": str(kwip.form_key),
        "pictures": [
            {"file": f"pictures/{used.picture.name}.webp", "words": used.picture.alt}
            for used in kwip.pictures.all()
        ],
        "is_sensitive": kwip.is_sensitive,
        "imported": kwip.is_imported,
        "comments": kwip.comments_count,
        "favourites": kwip.favourites_count,
        "shares": kwip.shares_count,
    }


def comments_of(person_id: int, beyond: int) -> Iterator[Row]:
    """The address of the conversation only if the person may see it now."""
    rows = Kwip.objects.filter(author=person_id, thread__isnull=False).select_related("author")
    for batch in batches(rows, beyond):
        threads = Kwip.objects.filter(VisibleTo(person_id), pk__in={comment.thread_id for comment in batch})
        authors = dict(threads.values_list("pk", "author__username"))
        for comment in batch:
            author = authors.get(comment.thread_id)
            yield (
                comment.pk,
                {
                    "url": kwip_url(comment.author.username, comment.pk),
                    "on": kwip_url(author, comment.thread_id) if author and comment.thread_id else None,
                    "text": comment.text,
                    "formatted": comment.is_formatted,
                    "created_at": when(comment.created_at),
                    "edited_at": when(comment.edited_at),
                },
            )


def revisions_of(person_id: int) -> QuerySet[Revision]:
    return Revision.objects.filter(kwip__author=person_id).select_related("kwip__author")


def revision(revision: Revision) -> dict[str, Any]:
    return {
        "url": kwip_url(revision.kwip.author.username, revision.kwip_id),
        "text": revision.text,
        "note": revision.content_note,
        "formatted": revision.is_formatted,
        "written_at": when(revision.written_at),
    }


def messages_of(person_id: int) -> QuerySet[Message]:
    """The person's side of each conversation, without what switched-off people wrote, as on the site."""
    withheld = Q(is_mine=False, other__is_active=False)
    return Message.objects.filter(~withheld, owner=person_id).select_related("other")


def message(message: Message) -> dict[str, Any]:
    return {
        "with": message.other.username,
        "mine": message.is_mine,
        "text": message.text,
        "sent_at": when(message.sent_at),
    }


def people(model: type[Model], owner: str, other: str) -> Rows:
    """The other people of a relation."""

    def rows(person_id: int) -> QuerySet[Any]:
        return model._default_manager.filter(**{owner: person_id}).select_related(other)

    def of(row: Any) -> dict[str, Any]:
        return {"username": getattr(row, other).username, "since": when(row.created_at)}

    return listed(rows, of)


def invitations_of(person_id: int) -> QuerySet[Invitation]:
    return Invitation.objects.filter(inviter=person_id).annotate(taken=F("taken_by__username"))


def invitation(invitation: Any) -> dict[str, Any]:
    return {
        "note": invitation.note,
        "created_at": when(invitation.created_at),
        "expires_at": when(invitation.expires_at),
        "taken_by": invitation.taken,
    }


def since(mark: Any) -> dict[str, Any]:
    return {"since": when(mark.created_at)}


def tracked(track: Track) -> dict[str, Any]:
    return {"tracked": track.is_on, "seen_at": when(track.seen_at)}


def session(session: UserSession) -> dict[str, Any]:
    return {
        "network": session.ip,
        "browser": session.user_agent,
        "since": when(session.created_at),
        "last_seen_at": when(session.last_seen_at),
    }


def factor(factor: Authenticator) -> dict[str, Any]:
    """Without its secret: a reader of the archive must not sign in by it."""
    return {
        "kind": factor.type,
        "name": factor.data.get("name"),
        "since": when(factor.created_at),
        "last_used_at": when(factor.last_used_at),
    }


def security(entry: Entry) -> dict[str, Any]:
    is_own = entry.by_id in (None, entry.user_id)
    return {
        "event": entry.event,
        "at": when(entry.at),
        "times": entry.times,
        # Not those of an operator.
        "network": entry.network if is_own else "",
        "browser": entry.browser if is_own else "",
        "system": entry.system if is_own else "",
    }


def token(token: Token) -> dict[str, Any]:
    return {
        "name": token.name,
        "scopes": token.scope.names,
        "since": when(token.created_at),
        "last_used_at": when(token.last_used_at),
    }


def letter(letter: ContactMessage) -> dict[str, Any]:
    return {"subject": letter.subject, "text": letter.text, "sent_at": when(letter.sent_at)}


def report(report: Report) -> dict[str, Any]:
    return {
        "about": report.writer.username,
        "note": report.note,
        "reported_at": when(report.reported_at),
    }


def muted_word(muted: MutedWord) -> dict[str, Any]:
    return {"word": muted.word, **ending(muted)}


def ending(muted: Any) -> dict[str, Any]:
    return {"since": when(muted.created_at), "ends_at": when(muted.ends_at), "muffled": muted.is_muffled}
