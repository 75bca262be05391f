"""Taking back what was published a moment ago: it is deleted, and its words return to the form.

What others may have answered by now is not taken back so: the page that asks "are you sure" is for that.
"""

import datetime

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from apps.kwips import actions, attaching
from apps.kwips.models import Kwip

# A script shows the button for ten seconds. Without a script it is there until the next page.
MOMENT = datetime.timedelta(minutes=2)
KEPT = datetime.timedelta(days=1)  # its pictures, for the form


def offer(request: HttpRequest, kwip: Kwip, said: str) -> None:
    """Says that it is published; the template shows the button beside a message with a kwip's id."""
    messages.success(request, said, extra_tags=str(kwip.pk))


def is_possible(kwip: Kwip) -> bool:
    return not kwip.comments_count and timezone.now() - kwip.created_at < MOMENT


@transaction.atomic
def take_back(*, kwip: Kwip) -> None:
    """Deletes it; its pictures wait for the form as they did before. Raises `Gone`."""
    attaching.return_to_author(kwip, timezone.now() + KEPT)
    actions.delete(kwip=kwip)
