"""What a mail becomes: a kwip, a comment, or nothing.

    whose address? ─▶ a person's own mail? ─▶ new? ─▶ within the limit? ─▶ its text ─▶ form ─▶ published
         │ no              │ no                │ no        │ no               │ no       │ no
         └─ nothing        └─ nothing          └─ nothing  └──────────────────┴──────────┴─ one mail a day

Nothing is ever sent to the address that a mail says it is from: anyone can write any. The mail that says why
goes to the address of the account, and only for a mail that was the member's own.
"""

import enum
import uuid

import structlog
from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from apps import limits
from apps.accounts import languages
from apps.accounts.models import User
from apps.inbound import actions, addresses, mails, parsing, queries, quotes, texts
from apps.inbound import attached as pictures
from apps.inbound.addresses import Reply
from apps.inbound.automatic import is_automatic
from apps.inbound.parsing import Message
from apps.kwips import composing, tracking
from apps.kwips.actions import Gone
from apps.kwips.attaching import Vanished
from apps.kwips.events import Visited, visited
from apps.kwips.forms import CommentForm, KwipForm
from apps.kwips.queries import made_by_form, visible_kwip

log = structlog.get_logger("kwippy.inbound")

type Fields = MultiValueDict[str, str]


class Outcome(enum.StrEnum):
    PUBLISHED = "published"
    COMMENTED = "commented"
    REFUSED = "refused"  # and the member was told, if not yet today
    REPEATED = "repeated"
    UNKNOWN = "unknown address"
    AUTOMATIC = "automatic"
    SPOOFED = "another sender"
    SWITCHED_OFF = "switched off"


class Refused(Exception):
    """The member's own mail is not published; the argument says why, for them."""


def receive(raw: bytes, *, recipient: str = "", envelope_sender: str | None = None) -> Outcome:
    """Publishes a mail, once. Raises what the database raises, and `limits.Busy`: it is to be sent again.

    ``recipient`` and ``envelope_sender`` are the envelope's, as far as they are known.
    """
    is_too_much = False
    try:
        message = parsing.parse(raw)
    except parsing.TooMuch:
        message, is_too_much = parsing.head_of(raw), True
    to = queries.addressee(parsing.recipients(message, recipient)) if addresses.is_on() else None
    outcome = Outcome.UNKNOWN
    if to is not None:
        key = _key(to.purpose, parsing.identity(message, raw))
        outcome = _ignored(message, to, key, envelope_sender) or _read(message, to, key, is_too_much)
    log.info("mail received", outcome=str(outcome), person_id=to.user.pk if to else None, bytes=len(raw))
    return outcome


def _key(purpose: str, identity: str) -> uuid.UUID:
    """The key of a mail and of its form: a hash, since others may have chosen the Message-ID."""
    digest = salted_hmac("apps.inbound.mail", f"{purpose}:{identity}", algorithm="sha256").digest()
    return uuid.UUID(bytes=digest[:16])


def _ignored(
    message: Message, to: queries.Addressee, key: uuid.UUID, envelope_sender: str | None
) -> Outcome | None:
    """Why the mail is not even answered."""
    sender = parsing.sender(message)
    if is_automatic(message, sender=sender, envelope_sender=envelope_sender):
        return Outcome.AUTOMATIC
    if not to.user.is_active:
        return Outcome.SWITCHED_OFF
    if to.reply is not None and sender != to.user.email.lower():
        return Outcome.SPOOFED  # another person got the address, by a forwarded or quoted mail
    return Outcome.REPEATED if queries.is_seen(key) else None


def _read(message: Message, to: queries.Addressee, key: uuid.UUID, is_too_much: bool) -> Outcome:
    with languages.of(to.user):
        decision = limits.hit("mail_in", to.user.pk)
        try:
            if not decision:
                raise Refused(decision.message)
            if is_too_much:
                raise Refused(_too_much())
            outcome = _published(message, to, key)
        except Refused as refused:
            _tell(to.user, key, mails.refused, str(refused), parsing.header(message, "Message-ID"))
            return Outcome.REFUSED
        except limits.Busy:
            decision.refund()  # the mail comes again
            raise
    actions.mark_seen(key=key, user=to.user)
    return outcome


def _published(message: Message, to: queries.Addressee, key: uuid.UUID) -> Outcome:
    if getattr(to.user, "has_warning", False):
        raise Refused(_("a moderator wrote to you. please read that first."))
    try:
        text = texts.text_of(message)
    except texts.Shortened:
        raise Refused(_too_much()) from None
    try:
        if to.reply is not None:
            return _comment(to.user, to.reply, key, quotes.answer_of(text))
        return _kwip(to.user, key, quotes.without_signature(text), message)
    except composing.Limited as limited:
        raise Refused(limited.decision.message) from None


def _kwip(user: User, key: uuid.UUID, text: str, message: Message) -> Outcome:
    fields: Fields = MultiValueDict({"text": [text or parsing.header(message, "Subject")]})
    _check(KwipForm(fields), key)
    if made_by_form(user.pk, key) is not None:
        return Outcome.REPEATED  # by a process that was killed before it recorded the mail
    attached = pictures.upload(user, message, key)
    fields.setlist("pictures", [picture.name for picture in attached.pictures])
    try:
        composing.publish(user, _check(KwipForm(fields), key))
    except Gone:
        return Outcome.REPEATED  # it was published, and deleted since
    except Vanished:
        raise Refused(_("the pictures are gone; please send it again.")) from None
    actions.mark_used(user=user)
    if attached.refusals:
        why = "\n".join(attached.refusals)
        _tell(user, key, mails.without_pictures, why, parsing.header(message, "Message-ID"))
    return Outcome.PUBLISHED


def _comment(user: User, reply: Reply, key: uuid.UUID, text: str) -> Outcome:
    thread = visible_kwip(reply.thread_id, user.pk)
    if thread is None or thread.thread_id is not None:
        raise Refused(_("this kwip was deleted."))
    fields: Fields = MultiValueDict({"text": [text], "answers": [str(reply.answers or "")]})
    if tracking.tracked(thread, user).choice is not False:
        fields["track"] = "on"
    try:
        made = composing.comment(user, thread, _check(CommentForm(fields), key))
    except Gone:
        raise Refused(_("this kwip was deleted.")) from None
    if made.created:
        # Who answers was there: the next comment is mailed again.
        visited.emit(Visited(user, thread.pk))
    return Outcome.COMMENTED


def _check[F: (KwipForm, CommentForm)](form: F, key: uuid.UUID) -> F:
    """The valid form. Its key is the mail's: the names of its pictures are others if the mail comes again."""
    if not form.is_valid():
        raise Refused(" ".join(str(error) for errors in form.errors.values() for error in errors))
    form.cleaned_data["form_key"] = key
    return form


def _too_much() -> str:
    return _("it's too much: there is room for 10 megabytes.")


def _tell(user: User, key: uuid.UUID, make: mails.Make, why: str, message_id: str) -> None:
    """Tells a member about their own mail, once a day and once for each mail."""
    may_tell = bool(limits.hit("mail_in_told", user.pk))
    with transaction.atomic():
        actions.mark_seen(key=key, user=user)
        if may_tell:
            make(user.email, why, answered=message_id).send()
