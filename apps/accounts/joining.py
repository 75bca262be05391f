"""Joining: a sign-up waits for its address to be confirmed, and only then becomes a user.

Name and password may have been typed by another person than the owner of the address. So a sign-up
becomes a user only where its link is followed in the browser that signed up, or in one where its password is
typed. A second sign-up with an address replaces the first.
"""

from allauth.account.models import EmailAddress
from django.core import signing
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from apps.accounts import queries
from apps.accounts.models import SignUp, User
from apps.accounts.names import SIGN_UP_WAITS, NameTaken, is_taken

_SALT = "kwippy.accounts.joining"
_BATCH = 1000
_CONFIRMED = Q(user__isnull=False)


class AddressTaken(Exception):
    """A member confirmed the address meanwhile."""


def key_of(sign_up: SignUp) -> str:
    """What the link in the mail carries."""
    return signing.dumps(sign_up.pk, salt=_SALT)


def by_key(key: str) -> SignUp | None:
    """The sign-up that a link is about, confirmed or not; None where it was replaced or is out of date."""
    try:
        pk = signing.loads(key, salt=_SALT, max_age=SIGN_UP_WAITS)
    except signing.BadSignature:
        return None
    return by_id(pk)


def by_id(pk: int) -> SignUp | None:
    """The sign-up, unless it was replaced or is out of date."""
    return SignUp.objects.select_related("user").filter(_CONFIRMED | _live(), pk=pk).first()


def waiting(login: str) -> SignUp | None:
    """The unconfirmed sign-up with this name or address."""
    folded = login.strip().lower()
    field = "email" if "@" in folded else "username"
    return SignUp.objects.filter(_live(), user=None, **{field: folded}).first()


@transaction.atomic
def ask(*, username: str, email: str, password: str, replaces: int | None = None) -> SignUp:
    """A new sign-up in place of any with that address, and of the one with the id ``replaces``.

    ``email`` is in lower case, ``password`` hashed. It says nothing of whether the address is a member's.
    Raises `NameTaken`.
    """
    _lock(email)
    outdated = Q(username=username, asked_at__lte=timezone.now() - SIGN_UP_WAITS)
    SignUp.objects.filter(Q(email=email) | Q(pk=replaces) | outdated, user=None).delete()
    if is_taken(username):
        raise NameTaken
    try:
        with transaction.atomic():
            return SignUp.objects.create(username=username, email=email, password=password)
    except IntegrityError:
        raise NameTaken from None


@transaction.atomic
def join(sign_up: SignUp) -> User:
    """The user that a sign-up becomes now that its address is confirmed; the same one at each repetition.

    Raises `AddressTaken`, `NameTaken`, and `SignUp.DoesNotExist` where it was replaced meanwhile.
    """
    _lock(sign_up.email)
    row = SignUp.objects.select_for_update().get(pk=sign_up.pk)
    if row.user is not None:
        return row.user
    if queries.is_members(row.email):
        raise AddressTaken
    if is_taken(row.username, sign_up_id=row.pk):
        raise NameTaken
    _free(row.email)
    user = User(username=row.username, email=row.email, password=row.password)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        raise NameTaken from None
    EmailAddress.objects.create(user=user, email=row.email, verified=True, primary=True)
    row.user, row.password = user, ""
    row.save(update_fields=["user", "password"])
    return user


def sweep() -> int:
    """Takes away sign-ups that are over, in batches; returns how many. Users that they became stay."""
    swept = 0
    over = SignUp.objects.filter(asked_at__lte=timezone.now() - SIGN_UP_WAITS)
    while ids := list(over.values_list("pk", flat=True)[:_BATCH]):
        SignUp.objects.filter(pk__in=ids).delete()
        swept += len(ids)
    return swept


def _live() -> Q:
    return Q(asked_at__gt=timezone.now() - SIGN_UP_WAITS)


def _lock(email: str) -> None:
    """Until the end of the transaction, no other sign-up with this address is changed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('sign-up'), hashtext(%s))", [email])


def _free(email: str) -> None:
    """Takes an address from users who never confirmed it, before they are swept; and their passwords."""
    unconfirmed = User.objects.filter(queries.UNCONFIRMED).alias(low=Lower("email")).filter(low=email)
    for user in unconfirmed.select_for_update(of=("self",)):
        user.email = f"{user.pk}@unconfirmed.invalid"
        user.set_unusable_password()
        user.save(update_fields=["email", "password"])
        EmailAddress.objects.filter(user=user).update(email=user.email)
