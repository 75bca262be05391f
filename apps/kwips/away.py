"""While no moderator looks (`SitePolicy.away_until`), the first kwips and comments of new people wait."""

import datetime

from django.utils import timezone

from apps.accounts.models import User
from apps.kwips import holding
from apps.kwips.models import Kwip
from apps.policy.queries import current

# A person is new for these days, and until others see so many of their kwips and comments.
NEW_FOR = datetime.timedelta(days=30)
FIRST = 3


@holding.register
def is_first_while_away(author: User, text: str) -> bool:
    """Whether the text waits because its author is new and no moderator looks."""
    if not (author.policy or current()).is_away or author.is_vouched or author.is_staff:
        return False
    if timezone.now() - author.joined_at > NEW_FOR:
        return False
    seen = Kwip.objects.filter(author=author, withheld=0).values_list("pk", flat=True)
    return len(seen[:FIRST]) < FIRST
