"""The signed link by which a person appeals, also one who cannot sign in."""

import datetime

from django.core import signing
from django.utils import timezone

from apps.accounts.models import User
from apps.moderation.models import APPEAL_DAYS, Action, Appeal, What

_SALT = "moderation.appeal"


def path(action: Action) -> str:
    return f"/moderation/appeal/{signing.Signer(salt=_SALT).sign(str(action.pk))}/"


def by_token(token: str) -> Action | None:
    """The action of a link, None if its signature is wrong."""
    try:
        pk = signing.Signer(salt=_SALT).unsign(token)
    except signing.BadSignature:
        return None
    return Action.objects.filter(pk=int(pk)).first()


def is_open(action: Action) -> bool:
    """Whether there is still time to appeal, and no appeal yet."""
    since = timezone.now() - datetime.timedelta(days=APPEAL_DAYS)
    return action.at > since and not Appeal.objects.filter(action_id=action.pk).exists()


def path_for(person: User) -> str:
    """Where a suspended person can appeal, "" if they no longer can."""
    action = Action.objects.filter(person_id=person.pk, what=What.SUSPEND).order_by("-pk").first()
    return path(action) if action and is_open(action) else ""
