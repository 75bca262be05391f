"""How many people sign up, and whether that is far more than usual."""

import datetime
from dataclasses import dataclass

from django.utils import timezone

from apps.accounts.models import SignUp
from apps.accounts.names import SIGN_UP_LIFETIME

# Fewer sign-ups in an hour are nothing to speak of; more are, if they are so many times the usual.
FEW, TIMES = 20, 5
# Rows that are counted, at most: beyond, it is a jump in any case.
MOST = 20_000
_HOUR = datetime.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Rate:
    """Of the last hour, and of an average hour of the days before, as far as sign-ups are stored."""

    last_hour: int
    usual: float

    @property
    def is_a_jump(self) -> bool:
        return self.last_hour > FEW and self.last_hour > TIMES * self.usual


def now() -> Rate:
    hour_ago = timezone.now() - _HOUR
    last = SignUp.objects.filter(asked_at__gt=hour_ago)[:MOST].count()
    before = SignUp.objects.filter(asked_at__lte=hour_ago)[:MOST].count()
    return Rate(last, before / (SIGN_UP_LIFETIME / _HOUR - 1))
