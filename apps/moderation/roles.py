"""Who moderates: the groups "moderators" and "operators", which superusers give in the admin.

A superuser is an operator. Staff who may change people in the admin are moderators. A moderator acts on
members without a role, an operator on everyone else.
"""

from collections.abc import Callable
from enum import IntEnum
from functools import wraps
from typing import Concatenate, cast

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from apps.accounts.members import MemberRequest
from apps.accounts.models import User
from apps.accounts.views import Link
from apps.securitylog import forbidden


class Role(IntEnum):
    MEMBER = 0
    MODERATOR = 1
    OPERATOR = 2


GROUPS = {"moderators": Role.MODERATOR, "operators": Role.OPERATOR}


def role_of(person: User) -> Role:
    """The role of an active person, by one query."""
    if not person.is_active:
        return Role.MEMBER
    return Role.OPERATOR if person.is_superuser else _given(person)


def _given(person: User) -> Role:
    names = person.groups.filter(name__in=GROUPS).values_list("name", flat=True)
    given = max((GROUPS[name] for name in names), default=Role.MEMBER)
    is_moderating_staff = person.is_staff and person.has_perm("accounts.change_user")
    return max(given, Role.MODERATOR) if is_moderating_staff else given


def has_role(person: User) -> bool:
    """Whether the person may see more than members do: in the admin, or at `/moderation/`."""
    return person.is_active and (person.is_staff or bool(role_of(person)))


def with_role() -> QuerySet[User]:
    """All whom `has_role` is true of. Each part has an index of its own, of which an OR would use none."""
    people = User.objects.order_by()
    parts = (Q(is_staff=True), Q(is_superuser=True), Q(groups__name__in=GROUPS))
    first, *others = (people.filter(part).values("pk") for part in parts)
    return User.objects.filter(pk__in=first.union(*others), is_active=True)


def link(person: User) -> Link | None:
    """The moderators' queue, on the settings page of those who have a role."""
    return Link("/moderation/", _("moderation: what is reported")) if role_of(person) else None


def may_act(by: User, person: User) -> bool:
    """Whether ``by`` may act on ``person``, who keeps the protection of their role while switched off."""
    if by.pk == person.pk:
        return False
    needed = Role.OPERATOR if person.is_superuser or _given(person) else Role.MODERATOR
    return role_of(by) >= needed


def are_others(by: User, person: User) -> bool:
    """Whether anyone but ``by`` may act on ``person``."""
    some = User.objects.filter(is_active=True).exclude(pk__in=[by.pk, person.pk])
    some = some.filter(groups__name__in=GROUPS) | some.filter(is_superuser=True)
    return any(may_act(other, person) for other in some.distinct()[:100])


def moderators_only[**P](
    view: Callable[Concatenate[MemberRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """A 404 for everyone without a role. Of a signed-in person it is in the security log."""

    @wraps(view)
    def checked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated or not role_of(request.user):
            forbidden.note(request, "no role")
            raise Http404
        return view(cast("MemberRequest", request), *args, **kwargs)

    return checked
