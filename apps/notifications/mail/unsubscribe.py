"""Signed links that stop mail, without signing in: about a conversation, of a kind, or the digest."""

from typing import NamedTuple, Self

from django.conf import settings
from django.core import signing

from apps.accounts.models import User
from apps.kwips.models import Kwip
from apps.kwips.tracking import set_tracking
from apps.notifications import preferences
from apps.notifications.models import Period
from apps.notifications.registry import KINDS, Channel

_SALT = "kwippy.notifications.unsubscribe"  # links in sent mails depend on it
PATH = "/notifications/stop/"


class Subscription(NamedTuple):
    """What a link ends. It has no expiry: mail is read late."""

    person_id: int
    kwip_id: int = 0  # of a conversation
    kind: str = ""  # neither: the digest

    @property
    def url(self) -> str:
        return f"{settings.SITE_URL}{PATH}{signing.Signer(salt=_SALT).sign_object(list(self))}/"

    @classmethod
    def parse(cls, token: str) -> Self | None:
        """None if the token is not one of ours."""
        try:
            return cls(*signing.Signer(salt=_SALT).unsign_object(token))
        except signing.BadSignature:
            return None

    @property
    def label(self) -> str:
        """What the kind is about; "" for the others."""
        return str(KINDS[self.kind].label) if self.kind in KINDS else ""


def end(subscription: Subscription) -> None:
    """Stops the mail, not the notices on the site. Idempotent; it ignores a deleted person or kwip."""
    person = User.objects.filter(pk=subscription.person_id).first()
    if person is None:
        return
    if subscription.kwip_id:
        if (kwip := Kwip.objects.filter(pk=subscription.kwip_id, thread=None).first()) is not None:
            set_tracking(kwip=kwip, user=person, is_on=False)
    elif subscription.kind:
        preferences.limit_channel(user=person, kind=subscription.kind, most=Channel.SITE)
    else:
        preferences.set_digest(user=person, period=Period.NEVER)
