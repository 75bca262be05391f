"""Applications: while sign-up is by approval, an operator accepts or refuses each confirmed sign-up.

An application waits for an operator whatever the policy becomes meanwhile. Its user name is reserved.
"""

import datetime
from collections.abc import Iterable

import structlog
from allauth.account.adapter import get_adapter
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts import languages
from apps.accounts.models import Application, SignUp, User

log = structlog.get_logger("kwippy.accounts")

# How long a refused application is stored, so that operators recognize it.
REFUSED_LIFETIME = datetime.timedelta(days=30)
_BATCH = 1000


def waiting(login: str) -> Application | None:
    """The waiting application with this name or address."""
    folded = login.strip().lower()
    field = "email" if "@" in folded else "username"
    return Application.objects.filter(refused_at=None, **{field: folded}).first()


def is_waiting(username: str) -> bool:
    """Whether a waiting application reserves the name."""
    return Application.objects.filter(refused_at=None, username=username).exists()


def create(sign_up: SignUp) -> Application:
    """Turns a confirmed sign-up into an application, inside the caller's transaction."""
    return Application.objects.create(
        username=sign_up.username,
        email=sign_up.email,
        password=sign_up.password,
        words=sign_up.words,
        time_zone=sign_up.time_zone,
    )


def withdraw(email: str) -> None:
    """Deletes the waiting application with this address: its confirmed owner joins or applies anew."""
    Application.objects.filter(email=email, refused_at=None).delete()


def refuse(application_ids: Iterable[int], *, by: User) -> int:
    """Refuses waiting applications, each in one transaction with its mail. Returns how many."""
    return sum(_refuse(pk, by) for pk in application_ids)


@transaction.atomic
def _refuse(pk: int, by: User) -> bool:
    row = Application.objects.select_for_update().filter(pk=pk, refused_at=None).first()
    if row is None:
        return False
    row.refused_at, row.password = timezone.now(), ""
    row.save(update_fields=["refused_at", "password"])
    mail("application_refused", row)
    log.info("application refused", application_id=pk, by=by.username)
    return True


def mail(name: str, application: Application) -> None:
    """Mails the applicant; the mail backend enqueues it in the caller's transaction."""
    context = {"user": application, "login_url": f"{settings.SITE_URL}/accounts/login/"}
    with languages.of_site():  # not that of the operator
        get_adapter().render_mail(f"account/email/{name}", application.email, context).send()


def sweep() -> int:
    """Deletes refused applications after `REFUSED_LIFETIME`, in batches, and returns their number."""
    swept = 0
    old = Application.objects.filter(refused_at__lte=timezone.now() - REFUSED_LIFETIME)
    while ids := list(old.values_list("pk", flat=True)[:_BATCH]):
        Application.objects.filter(pk__in=ids).delete()
        swept += len(ids)
    return swept
