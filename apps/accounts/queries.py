"""Reads of people."""

from collections.abc import Collection

from allauth.account.models import EmailAddress
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Lower
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import FormerName, User

_ADDRESSES = EmailAddress.objects.filter(user=OuterRef("pk"))

# Users that joined with an address that was never confirmed. Sign-ups are no users any more: such rows are
# from before that, and `kwippy.tasks.sweep_sign_ups` removes them. Of a user that an operator made, the
# address is not primary before it is confirmed.
UNCONFIRMED = (
    Q(Exists(_ADDRESSES.filter(verified=False, primary=True)))
    & ~Q(Exists(_ADDRESSES.filter(verified=True)))
    & Q(last_login=None, is_staff=False, is_superuser=False)
)


def person(username: str) -> User:
    """The person who has that name (in upper or lower case) or had it before. Raises `Http404`."""
    name = username.lower()
    public = User.objects.filter(is_active=True).exclude(UNCONFIRMED)
    found = public.filter(username=name).first() or public.filter(
        former_names__name=name, former_names__kept_until__gt=timezone.now()
    ).first()  # fmt: skip
    if found is None:
        raise Http404(_("there is nobody of that name here."))
    return found


def ids_of(names: Collection[str]) -> set[int]:
    """The ids of the people of these names, those that had them before included."""
    former = FormerName.objects.filter(name__in=names, kept_until__gt=timezone.now())
    current = User.objects.filter(username__in=names).exclude(UNCONFIRMED)
    return {*current.values_list("pk", flat=True), *former.values_list("user_id", flat=True)}


def known_names(names: Collection[str]) -> frozenset[str]:
    """Those of the names that lead to a person: theirs, or one that they had before."""
    former = FormerName.objects.filter(name__in=names, kept_until__gt=timezone.now(), user__is_active=True)
    current = User.objects.filter(username__in=names, is_active=True).exclude(UNCONFIRMED)
    return frozenset([*current.values_list("username", flat=True), *former.values_list("name", flat=True)])


def by_login(login: str) -> User | None:
    """The user that signs in with this name or address; one at most."""
    if "@" not in login:
        return User.objects.filter(username=login.strip().lower()).first()
    email = login.strip().lower()
    confirmed = EmailAddress.objects.filter(email=email, verified=True).select_related("user").first()
    return confirmed.user if confirmed else User.objects.alias(low=Lower("email")).filter(low=email).first()


def is_members(email: str) -> bool:
    """Whether an address is a member's. One that was asked for and never confirmed is not."""
    return (
        EmailAddress.objects.filter(email=email, verified=True).exists()
        or User.objects.alias(low=Lower("email")).filter(low=email).exclude(UNCONFIRMED).exists()
    )
