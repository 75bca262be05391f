"""The greeting: the house account comments on a person's first kwip, if everyone may read it.

Exactly once for a house account and person: the comment's form key derives from the person, so a repeated
command, a second worker and a deleted greeting add nothing. A first kwip for followers is not greeted, and
then no later one is.
"""

import uuid

from django.tasks import task

from apps.accounts.models import User
from apps.graph.queries import is_blocked
from apps.kwips import actions, events
from apps.kwips.models import Kwip
from apps.kwips.queries import visible_kwip
from apps.policy.queries import Policy, current

_NAMESPACE = uuid.UUID("6f0f3f0c-4b1d-4a55-9d0c-0e6a5d1a2c08")


@events.published.within
def on_published(event: events.Published) -> None:
    """The count of a cached author may be stale; the command looks again."""
    author = event.kwip.author
    if author.kwips_count == 0 and not event.kwip.followers_only and _greets(author.policy or current()):
        greet.enqueue(event.kwip.pk)


@task(queue_name="default")
def greet(kwip_id: int) -> None:
    """Adds the greeting, if the kwip is still its author's first and the policy still has a greeting."""
    kwip, policy = visible_kwip(kwip_id, None), current()
    if kwip is None or not _greets(policy) or policy.greeter_id == kwip.author_id:
        return
    greeter = User.objects.filter(pk=policy.greeter_id or 0, is_active=True).first()
    if greeter is None or is_blocked(greeter.pk, kwip.author_id) or not _is_first(kwip):
        return
    text = policy.greeting.replace("{name}", f"@{kwip.author.username}")
    try:
        actions.comment(author=greeter, thread=kwip, text=text, form_key=form_key_for(kwip.author_id))
    except actions.Gone:
        pass  # the kwip or the greeting was deleted


def form_key_for(person_id: int) -> uuid.UUID:
    """The form key of the greeting of this person."""
    return uuid.uuid5(_NAMESPACE, str(person_id))


def _greets(policy: Policy) -> bool:
    return policy.greeter_id is not None and bool(policy.greeting)


def _is_first(kwip: Kwip) -> bool:
    earlier = Kwip.objects.filter(author=kwip.author_id, pk__lt=kwip.pk, thread=None)
    return kwip.thread_id is None and not earlier.exists()
