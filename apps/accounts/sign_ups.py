"""Sign-ups: stored until the address is confirmed, then turned into users.

Another person than the owner of the address may have chosen name and password. The link therefore works only
in the browser that signed up, or together with the password. A new sign-up with the same address replaces
the former one.
"""

from allauth.account.models import EmailAddress
from django.core import signing
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from apps.accounts import queries
from apps.accounts.models import SignUp, User
from apps.accounts.names import SIGN_UP_LIFETIME, NameTaken, is_taken

_SALT = "kwippy.accounts.joining"  # links in sent mails depend on it
_BATCH = 1000
_CONFIRMED = Q(user__isnull=False)


class AddressTaken(Exception):
    """The address belongs to a user by now."""


def key_of(sign_up: SignUp) -> str:
    """The signed key in the confirmation link."""
    return signing.dumps(sign_up.pk, salt=_SALT)


def by_key(key: str) -> SignUp | None:
    """The sign-up of a link, confirmed or not; None if it was replaced or expired."""
    try:
        pk = signing.loads(key, salt=_SALT, max_age=SIGN_UP_LIFETIME)
    except signing.BadSignature:
        return None
    return by_id(pk)


def by_id(pk: int) -> SignUp | None:
    """The sign-up, unless it was replaced or expired."""
    return SignUp.objects.select_related("user").filter(_CONFIRMED | _live(), pk=pk).first()


def unconfirmed(login: str) -> SignUp | None:
    """The unconfirmed sign-up with this name or address."""
    folded = login.strip().lower()
    field = "email" if "@" in folded else "username"
    return SignUp.objects.filter(_live(), user=None, **{field: folded}).first()


@transaction.atomic
def create(*, username: str, email: str, password: str, replaces: int | None = None) -> SignUp:
    """Replaces sign-ups with this address, and the one with the id ``replaces``. Raises `NameTaken`.

    ``email`` is in lower case, ``password`` is hashed. The result does not reveal whether ``email`` has an
    account.
    """
    _lock(email)
    expired = Q(username=username, asked_at__lte=timezone.now() - SIGN_UP_LIFETIME)
    SignUp.objects.filter(Q(email=email) | Q(pk=replaces) | expired, user=None).delete()
    if is_taken(username):
        raise NameTaken
    try:
        with transaction.atomic():
            return SignUp.objects.create(username=username, email=email, password=password)
    except IntegrityError:
        raise NameTaken from None


@transaction.atomic
def complete(sign_up: SignUp) -> User:
    """Turns a confirmed sign-up into a user; idempotent.

    Raises `AddressTaken`, `NameTaken`, and `SignUp.DoesNotExist` if the sign-up was replaced meanwhile.
    """
    _lock(sign_up.email)
    row = SignUp.objects.select_for_update().get(pk=sign_up.pk)
    if row.user is not None:
        return row.user
    if queries.is_members(row.email):
        raise AddressTaken
    if is_taken(row.username, sign_up_id=row.pk):
        raise NameTaken
    _release_address(row.email)
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
    """Deletes expired sign-ups in batches, and returns their number. Users are not affected."""
    swept = 0
    expired = SignUp.objects.filter(asked_at__lte=timezone.now() - SIGN_UP_LIFETIME)
    while ids := list(expired.values_list("pk", flat=True)[:_BATCH]):
        SignUp.objects.filter(pk__in=ids).delete()
        swept += len(ids)
    return swept


def _live() -> Q:
    return Q(asked_at__gt=timezone.now() - SIGN_UP_LIFETIME)


def _lock(email: str) -> None:
    """Serializes transactions on sign-ups with this address."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('sign-up'), hashtext(%s))", [email])


def _release_address(email: str) -> None:
    """Removes the address and the password of users that never confirmed it."""
    users = User.objects.filter(queries.UNCONFIRMED).alias(low=Lower("email")).filter(low=email)
    for user in users.select_for_update(of=("self",)):
        user.email = f"{user.pk}@unconfirmed.invalid"
        user.set_unusable_password()
        user.save(update_fields=["email", "password"])
        EmailAddress.objects.filter(user=user).update(email=user.email)
