"""Writes of moderation. Each is one transaction; `act` writes the audit log in it.

Lock order: the case, then kwips, then people.
"""

import uuid

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.counters import lock_people
from apps.accounts.keys import user_key
from apps.accounts.models import User
from apps.invalidation import invalidate
from apps.kwips import holding
from apps.kwips.models import Kwip
from apps.moderation import appeals, mails
from apps.moderation.cases import Thing, open_case
from apps.moderation.effects import APPEALABLE, EFFECTS, OF_KWIPS, TOLD, UNDO, Target, state_of
from apps.moderation.erasing import nameless
from apps.moderation.events import Answered, answered
from apps.moderation.models import Action, Appeal, Case, Kind, Note, Reason, Report, Warning, What
from apps.moderation.roles import are_others, may_act
from apps.policy.queries import current as current_policy
from apps.securitylog import Event, record

HELD_AT = 3  # reports, while no moderator looks
NOTES = 200  # about one person; the oldest are deleted

_ANSWERS = {What.UPHOLD, What.OVERTURN}


class NotAllowed(Exception):
    """This moderator may not do this: to this person, or to what they did themselves."""


class NothingToDo(Exception):
    """It is so already, the form was sent before, or the case was closed."""


class TooLate(Exception):
    """The time to appeal is over, or there was an appeal."""


@transaction.atomic
def report(*, thing: Thing, reporter: User, reason: Reason, words: str) -> bool:
    """Reports a thing; returns False if the reporter has a report in its open case.

    While no moderator looks, the third report of a kwip holds it back.
    """
    case = open_case(thing)
    _, is_new = Report.objects.get_or_create(
        case=case, reporter=reporter, defaults={"reason": reason, "words": words, "text": thing.text}
    )
    if is_new and thing.kind == Kind.KWIP and current_policy().is_away:
        _hold_if_reported_often(case)
    return is_new


def _hold_if_reported_often(case: Case) -> None:
    if case.reports.count() >= HELD_AT and (kwip := _kwip(case.subject)) is not None:
        holding.hold(kwip=kwip)


@transaction.atomic
def act(
    *,
    what: What,
    person: User,
    by: User | None,
    reason: Reason,
    words: str = "",
    case: Case | None = None,
    form_key: uuid.UUID | None = None,
) -> Action:
    """Does it, logs it, mails the person, and closes the case. ``by`` is None on the command line.

    Raises `NotAllowed` and `NothingToDo`.
    """
    if by is not None and not may_act(by, person):
        raise NotAllowed
    if case is not None:
        case = Case.objects.select_for_update(no_key=True).get(pk=case.pk)
    original = _appealed(case, by) if what in _ANSWERS else None
    if what == What.DISMISS and (case is None or case.closed_at):
        raise NothingToDo
    kwip_id = original.kwip_id if original else case.subject if case and case.kind == Kind.KWIP else None
    if what in OF_KWIPS and kwip_id is None:
        raise NothingToDo
    if what not in OF_KWIPS | _ANSWERS:
        lock_people({person.pk})  # so that two of the same are one
    before = state_of(person.pk, kwip_id)
    _carry_out(what, original, Target(person, _kwip(kwip_id), by))
    after = state_of(person.pk, kwip_id)
    if what in EFFECTS and after == before:
        raise NothingToDo
    action = _log(
        Action(
            actor_id=by.pk if by else None,
            what=what,
            person_id=person.pk,
            kwip_id=kwip_id,
            case_id=case.pk if case else None,
            reason=reason,
            words=words,
            before=before,
            after=after,
            form_key=form_key or uuid.uuid4(),
        ),
        person,
    )
    act_of = {"what": what.value, "action": action.pk}
    record(Event.MODERATION_ACT, user_id=person.pk, by=action.actor_id, **act_of)
    _tell(action, person, case, original)
    if case is not None and case.closed_at is None:
        _close(case)
    return action


def _appealed(case: Case | None, by: User | None) -> Action:
    """The action that the case appeals. Raises `NotAllowed` for who did it, if someone else can answer."""
    if case is None or case.kind != Kind.APPEAL or case.closed_at:
        raise NothingToDo
    original = Action.objects.get(pk=case.subject)
    if by is not None and original.actor_id == by.pk and are_others(by, case.person):
        raise NotAllowed
    return original


def _carry_out(what: What, original: Action | None, target: Target) -> None:
    effect = EFFECTS.get(what)
    if original is not None and what == What.OVERTURN:
        effect = EFFECTS.get(UNDO.get(What(original.what), What.OVERTURN))
        Warning.objects.filter(action_id=original.pk, read_at__isnull=True).update(read_at=timezone.now())
        invalidate(cache=[user_key(target.person.pk)])
    if effect is not None:
        effect(target)


def _kwip(kwip_id: int | None) -> Kwip | None:
    return Kwip.objects.select_related("author").filter(pk=kwip_id).first() if kwip_id else None


def _log(action: Action, person: User) -> Action:
    """Adds a row to the audit log, its words without names. Raises `NothingToDo` if its form was sent before.

    Returns it with all words, for the mail.
    """
    words = action.words
    action.words = nameless(words, person)
    try:
        with transaction.atomic():
            action.save(force_insert=True)
    except IntegrityError:
        raise NothingToDo from None
    logged = Action.objects.get(pk=action.pk)  # with the database's time
    logged.words = words
    return logged


def _tell(action: Action, person: User, case: Case | None, original: Action | None) -> None:
    """Warns or mails the person, if they are to know."""
    text = case.text if case and case.kind != Kind.APPEAL else ""
    if action.what == What.WARN:
        _warn(action, text)
    if original is not None:
        mails.of_answer(action, person, original).send()
    elif action.what in TOLD:
        mails.of_action(action, person, text).send()


def _warn(action: Action, text: str) -> None:
    Warning.objects.create(
        person_id=action.person_id, action_id=action.pk, reason=action.reason, words=action.words, text=text
    )
    invalidate(cache=[user_key(action.person_id)])


def _close(case: Case) -> None:
    Case.objects.filter(pk=case.pk).update(closed_at=timezone.now())
    if reporters := list(case.reports.exclude(reporter=None).values_list("reporter_id", flat=True)):
        answered.emit(Answered(case.pk, reporters))


@transaction.atomic
def note(*, person: User, writer: User, text: str) -> None:
    """Adds a note about a person, for moderators."""
    Note.objects.create(person=person, writer=writer, text=text)
    kept = Note.objects.filter(person=person).order_by("-pk").values_list("pk", flat=True)[:NOTES]
    Note.objects.filter(person=person, pk__lt=min(kept)).delete()


@transaction.atomic
def read_warnings(*, person: User, upto: int) -> None:
    """The person read their warnings up to that id: not one that came since."""
    unread = Warning.objects.filter(person=person, pk__lte=upto, read_at__isnull=True)
    if unread.update(read_at=timezone.now()):
        invalidate(cache=[user_key(person.pk)])


@transaction.atomic
def appeal(*, action: Action, words: str) -> None:
    """Opens a case of the appeal. Raises `TooLate`."""
    person = User.objects.filter(pk=action.person_id).first()
    if person is None or action.what not in APPEALABLE or not appeals.is_open(action):
        raise TooLate
    _, is_new = Appeal.objects.get_or_create(action_id=action.pk, defaults={"person": person, "words": words})
    if not is_new:
        raise TooLate
    open_case(Thing(Kind.APPEAL, action.pk, person.pk, words))
