"""Reads of users."""

from collections.abc import Collection

from allauth.account.models import EmailAddress
from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Lower
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import FormerName, User
from apps.accounts.statements import SQL

_ADDRESSES = EmailAddress.objects.filter(user=OuterRef("pk"))

# Users of an earlier release that never confirmed their address; today these are sign-ups.
# `kwippy.tasks.sweep_sign_ups` deletes them. A user created by an operator has no primary address before
# it is confirmed. `sql/confirmed.sql` is the same condition.
UNCONFIRMED = (
    Q(Exists(_ADDRESSES.filter(verified=False, primary=True)))
    & ~Q(Exists(_ADDRESSES.filter(verified=True)))
    & Q(last_login=None, is_staff=False, is_superuser=False)
)


def person(username: str) -> User:
    """The active user with this current or former name, in any case. Raises `Http404`."""
    name = username.lower()
    public = User.objects.filter(is_active=True).exclude(UNCONFIRMED)
    found = public.filter(username=name).first() or public.filter(
        former_names__name=name, former_names__kept_until__gt=timezone.now()
    ).first()  # fmt: skip
    if found is None:
        raise Http404(_("there is nobody of that name here."))
    return found


def ids_of(names: Collection[str]) -> set[int]:
    """The ids of the users with these current or former names."""
    if not names:
        return set()
    with connection.cursor() as cursor:
        SQL.statement("named").execute_prepared(cursor, {"names": list(names)})
        return {user_id for (user_id,) in cursor.fetchall()}


def known_names(names: Collection[str]) -> frozenset[str]:
    """Those of the names that are current or former names of active users."""
    former = FormerName.objects.filter(name__in=names, kept_until__gt=timezone.now(), user__is_active=True)
    current = User.objects.filter(username__in=names, is_active=True).exclude(UNCONFIRMED)
    return frozenset([*current.values_list("username", flat=True), *former.values_list("name", flat=True)])


def by_login(login: str) -> User | None:
    """The user with this name or address."""
    if "@" not in login:
        return User.objects.filter(username=login.strip().lower()).first()
    email = login.strip().lower()
    confirmed = EmailAddress.objects.filter(email=email, verified=True).select_related("user").first()
    return confirmed.user if confirmed else User.objects.alias(low=Lower("email")).filter(low=email).first()


def is_members(email: str) -> bool:
    """Whether the address belongs to a user; an unconfirmed change of address does not count."""
    return (
        EmailAddress.objects.filter(email=email, verified=True).exists()
        or User.objects.alias(low=Lower("email")).filter(low=email).exclude(UNCONFIRMED).exists()
    )
