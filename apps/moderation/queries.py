"""Reads of moderation: the queue, a case with its context, and what people see of it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Left

from apps.accounts.models import OffReason, User
from apps.accounts.queries import UNCONFIRMED
from apps.graph.queries import is_blocked
from apps.keyset import KeysetOrder, Page, from_queryset, paginate
from apps.kwips import attaching
from apps.kwips.models import Kwip, Withheld
from apps.kwips.queries import visible_kwip
from apps.moderation.effects import state_of
from apps.moderation.models import Action, Appeal, Case, Kind, Note, Reason, Report, Warning, What

PAGE_SIZE = 20
SHOWN = 20  # of each list on a case's page
CHARACTERS = 600  # of a text in a list
AROUND = 5  # comments before and after the reported one
_NOTHING_DONE = (What.DISMISS, What.RELEASE, What.UPHOLD)


class Queued(NamedTuple):
    """A case in the queue. ``reasons`` are labels."""

    case: Case
    number: int
    reasons: list[str]


def queue(arguments: Mapping[str, str]) -> Page[Queued]:
    """The open cases, the oldest first. Raises `BadCursor`."""
    order = KeysetOrder("moderation", oldest_first=True)
    rows = _beginnings(Case.objects.filter(closed_at__isnull=True)).select_related("person")
    page = paginate(arguments, order, from_queryset(rows, order), limit=PAGE_SIZE)
    counted = {
        pk: (number, reasons)
        for pk, number, reasons in Report.objects.filter(case__in=[case.pk for case in page])
        .values("case")
        .annotate(number=Count("pk"), reasons=ArrayAgg("reason", distinct=True))
        .values_list("case", "number", "reasons")
    }
    return page.with_items([
        Queued(case, number, [str(Reason(reason).label) for reason in reasons])
        for case in page
        for number, reasons in [counted.get(case.pk, (0, []))]
    ])  # fmt: skip


def _beginnings(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Rows with the beginning of their text: a list must not read texts of 100,000 characters."""
    return rows.defer("text").annotate(beginning=Left("text", CHARACTERS))


def case(case_id: int) -> Case | None:
    return Case.objects.select_related("person").filter(pk=case_id).first()


def person(username: str) -> User | None:
    """A person by their current name, also one who is switched off."""
    return User.objects.exclude(UNCONFIRMED).filter(username=username).first()


def about_person(who: User) -> dict[str, Any]:
    """What moderators see of a person beside a case."""
    done = list(Action.objects.filter(person_id=who.pk).order_by("-pk")[:SHOWN])
    return {
        "person": who,
        "state": state_of(who.pk, None),
        "is_leaving": bool(who.off_reasons & OffReason.LEAVING),
        "recent": _beginnings(Kwip.objects.filter(author=who)).order_by("-pk")[:SHOWN],
        "cases": _beginnings(Case.objects.filter(person=who)).order_by("-pk")[:SHOWN],
        "done": named(done),
        "notes": Note.objects.filter(person=who).select_related("writer").order_by("-pk")[:SHOWN],
    }


def about_case(found: Case) -> dict[str, Any]:
    """The thing, its conversation and its reports."""
    kwip, talk = None, []
    if found.kind == Kind.KWIP:
        kwip = Kwip.objects.select_related("author", "thread__author").filter(pk=found.subject).first()
        talk = _around(kwip) if kwip else []
    appealed = Action.objects.filter(pk=found.subject) if found.kind == Kind.APPEAL else Action.objects.none()
    reports = _beginnings(found.reports.annotate(differs=~Q(text=F("case__text"))))
    reports = reports.select_related("reporter").order_by("-pk")
    return {
        "case": found,
        "kwip": kwip,
        "pictures": attaching.pictures_of(kwip.pk) if kwip else [],
        "is_held": bool(kwip and kwip.withheld & Withheld.HELD),
        "is_hidden": bool(kwip and kwip.withheld & Withheld.HIDDEN),
        "talk": talk,
        "reports": reports[:SHOWN],
        "appealed": next(iter(named(list(appealed))), None),
    }


def _around(kwip: Kwip) -> list[Kwip]:
    """The comments next to a comment, or the first ones of a kwip, the oldest first; withheld ones too."""
    talk = _beginnings(Kwip.objects.select_related("author"))
    below = talk.filter(thread=kwip.thread_id or kwip.pk)
    if kwip.thread_id is None:
        return list(below.order_by("pk")[: 2 * AROUND])
    before = list(below.filter(pk__lt=kwip.pk).order_by("-pk")[:AROUND])
    return before[::-1] + list(below.filter(pk__gte=kwip.pk).order_by("pk")[: AROUND + 1])


class Named(NamedTuple):
    """An action with the name of who acted: "" for the command line, None for a deleted person."""

    action: Action
    actor: str | None


def named(actions: list[Action]) -> list[Named]:
    ids = {action.actor_id for action in actions if action.actor_id}
    names = dict(User.objects.filter(pk__in=ids).values_list("pk", "username"))
    return [Named(action, names.get(action.actor_id) if action.actor_id else "") for action in actions]


def possible(found: Case | None, context: Mapping[str, Any]) -> list[What]:
    """What a moderator can do about a case, or about a person without one."""
    state = context["state"]
    on_person = [
        What.WARN,
        What.UNLIMIT if state["limited"] else What.LIMIT,
        What.RESTORE if state["suspended"] else What.SUSPEND,
    ]
    if found is None:
        return on_person
    if found.kind == Kind.APPEAL:
        return [What.UPHOLD, What.OVERTURN] if found.closed_at is None else []
    offered = [] if found.closed_at else [What.DISMISS]
    if context["kwip"] is not None:
        offered = [What.RELEASE] if context["is_held"] else offered
        offered += [What.UNHIDE if context["is_hidden"] else What.HIDE, What.DELETE]
    return offered + on_person


def is_seen(report: Report) -> bool:
    """Whether the reporter may still see what they reported."""
    found, reporter = report.case, report.reporter_id or 0
    if not found.person.is_active or is_blocked(reporter, found.person_id):
        return False
    return found.kind != Kind.KWIP or visible_kwip(found.subject, reporter) is not None


def outcome(case_id: int, reporter: User) -> tuple[Report, str] | None:
    """A person's report and what came of it: "open", "nothing", or "done"."""
    rows = Report.objects.filter(case=case_id, reporter=reporter)
    found = rows.select_related("case__person").first()
    if found is None:
        return None
    if found.case.closed_at is None:
        return found, "open"
    is_done = Action.objects.filter(Q(case_id=case_id) & ~Q(what__in=_NOTHING_DONE)).exists()
    return found, "done" if is_done else "nothing"


def warnings(who: User) -> list[Warning]:
    """The warnings that the person has not read, the oldest first."""
    return list(Warning.objects.filter(person=who, read_at__isnull=True).order_by("pk")[:SHOWN])


def why_hidden(kwip_id: int, author: User) -> Action | None:
    """The action that hid the author's kwip, if it is hidden."""
    is_hidden = Kwip.objects.filter(pk=kwip_id, author=author).values_list("withheld", flat=True).first()
    if not is_hidden or not is_hidden & Withheld.HIDDEN:
        return None
    return Action.objects.filter(kwip_id=kwip_id, what=What.HIDE).order_by("-pk").first()


def appeal_of(action: Action) -> Appeal | None:
    return Appeal.objects.filter(action_id=action.pk).first()
