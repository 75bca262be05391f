"""The site under attack: begins by a decision of an operator, and ends by itself."""

import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.policy.models import AttackSignUp, SitePolicy


@transaction.atomic
def begin(hours: int, *, sign_up: AttackSignUp) -> datetime.datetime:
    """From now on for so many hours; returns its end. Raises ValidationError."""
    policy = _locked()
    try:
        policy.attack_until = timezone.now() + datetime.timedelta(hours=hours)
    except OverflowError:
        raise ValidationError(f"{hours} hours are too many.") from None
    policy.attack_sign_up = sign_up
    policy.full_clean()
    policy.save()
    return policy.attack_until


@transaction.atomic
def end() -> None:
    policy = _locked()
    policy.attack_until = None
    policy.save()


def _locked() -> SitePolicy:
    """The row, so that no other setting is lost; a new one has the defaults."""
    return SitePolicy.objects.select_for_update().filter(pk=1).first() or SitePolicy()
