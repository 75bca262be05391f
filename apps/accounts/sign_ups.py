"""Sign-ups: stored until the address is confirmed, then turned into users or applications.

The policy at the time of the confirmation decides (`complete`), whatever it was when the form was sent.

Another person than the owner of the address may have chosen name and password. The link therefore works only
in the browser that signed up, or together with the password. A new sign-up with the same address replaces
the former one.
"""

from collections.abc import Callable

import structlog
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import signing
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from apps.accounts import applications, invitations, languages, queries
from apps.accounts.models import Application, Invitation, SignUp, User
from apps.accounts.names import SIGN_UP_LIFETIME, NameTaken, is_taken
from apps.policy.models import SignUpMode
from apps.policy.queries import current as current_policy
from apps.securitylog import Event, record

log = structlog.get_logger("kwippy.accounts")

_SALT = "kwippy.accounts.joining"  # links in sent mails depend on it
_BATCH = 1000
# Called for each sign-up that is stored.
on_asked: list[Callable[[], None]] = []
_CONFIRMED = Q(user__isnull=False) | Q(application__isnull=False)


class AddressTaken(Exception):
    """The address belongs to a user by now."""


class NotAdmitted(Exception):
    """The policy does not let this sign-up in: it is closed, or by invitation without an open one."""


def admits(*, is_invited: bool) -> bool:
    """Whether the policy accepts sign-ups, by approval or at once."""
    mode = current_policy().sign_up_now
    return mode != SignUpMode.CLOSED and (mode != SignUpMode.INVITATION or is_invited)


def needs_approval(*, is_invited: bool) -> bool:
    return current_policy().sign_up_now == SignUpMode.APPROVAL and not is_invited


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
    return SignUp.objects.select_related("user", "application").filter(_CONFIRMED | _live(), pk=pk).first()


def unconfirmed(login: str) -> SignUp | None:
    """The unconfirmed sign-up with this name or address."""
    folded = login.strip().lower()
    field = "email" if "@" in folded else "username"
    return SignUp.objects.filter(_live(), user=None, application=None, **{field: folded}).first()


@transaction.atomic
def create(
    *,
    username: str,
    email: str,
    password: str,
    words: str = "",
    time_zone: str = "",
    invitation_id: int | None = None,
    replaces: int | None = None,
) -> SignUp:
    """Replaces sign-ups with this address, and the one with the id ``replaces``. Raises `NameTaken`.

    ``email`` is in lower case, ``password`` is hashed. The result does not reveal whether ``email`` has an
    account or an application.
    """
    _lock(email)
    # One that became an application no longer reserves the name; the application does.
    over = Q(asked_at__lte=timezone.now() - SIGN_UP_LIFETIME) | Q(application__isnull=False)
    over &= Q(username=username)
    SignUp.objects.filter(Q(email=email) | Q(pk=replaces) | over, user=None).delete()
    if is_taken(username, email=email):
        raise NameTaken
    try:
        with transaction.atomic():
            sign_up = SignUp.objects.create(
                username=username,
                email=email,
                password=password,
                words=words,
                time_zone=time_zone,
                invitation_id=invitation_id,
            )
    except IntegrityError:
        raise NameTaken from None
    for receiver in on_asked:
        transaction.on_commit(receiver)
    return sign_up


@transaction.atomic
def complete(sign_up: SignUp) -> User | Application:
    """Turns a confirmed sign-up into a user, or into an application; idempotent.

    Raises `NotAdmitted`, which leaves the sign-up as it is, `AddressTaken`, `NameTaken`, and
    `SignUp.DoesNotExist` if the sign-up was replaced meanwhile.
    """
    _lock(sign_up.email)
    row = SignUp.objects.select_for_update(of=("self",)).get(pk=sign_up.pk)
    if row.user is not None:
        return row.user
    if row.application is not None:
        return row.application
    if queries.is_members(row.email):
        raise AddressTaken
    invitation = invitations.lock_open(row.invitation_id)
    if not admits(is_invited=invitation is not None):
        raise NotAdmitted
    if is_taken(row.username, email=row.email, sign_up_id=row.pk):
        raise NameTaken
    applications.withdraw(row.email)
    if needs_approval(is_invited=invitation is not None):
        row.application = applications.create(row)
    else:
        row.user = _join(row, invitation)
    row.password = ""
    row.save(update_fields=["user", "application", "password"])
    outcome = row.user or row.application
    assert outcome is not None  # noqa: S101
    return outcome


@transaction.atomic
def accept(application_id: int, *, by: User) -> User | None:
    """Turns a waiting application into a user, and mails them, in one transaction.

    None if it was decided meanwhile. Raises `AddressTaken`, `NameTaken`.
    """
    rows = Application.objects.filter(pk=application_id, refused_at=None)
    if (found := rows.first()) is None:
        return None
    _lock(found.email)
    if (row := rows.select_for_update().first()) is None:
        return None
    if queries.is_members(row.email):
        raise AddressTaken
    if is_taken(row.username, application_id=row.pk):
        raise NameTaken
    user = _join(row, by=by)
    applications.mail("application_accepted", row)
    SignUp.objects.filter(application=row).update(user=user, application=None)
    row.delete()
    log.info("application accepted", application_id=application_id, person_id=user.pk, by=by.username)
    return user


def _join(row: SignUp | Application, invitation: Invitation | None = None, by: User | None = None) -> User:
    """Creates the user of a confirmed address. Raises `NameTaken`."""
    _release_address(row.email)
    user = User(username=row.username, email=row.email, password=row.password)
    user.guessed_time_zone = row.time_zone
    if isinstance(row, SignUp):  # in the person's own browser
        user.language = languages.to_store()
    user.is_vouched = invitation is not None or isinstance(row, Application)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        raise NameTaken from None
    EmailAddress.objects.create(user=user, email=row.email, verified=True, primary=True)
    actor = by.pk if by else None
    record(Event.SIGNED_UP, user_id=user.pk, by=actor, login=row.email)
    # The form says what one agrees to by sending it.
    record(Event.CONSENT, user_id=user.pk, by=actor, to="rules, code of conduct", release=settings.RELEASE)
    if invitation is not None:
        invitations.take(invitation, invited=user)
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
