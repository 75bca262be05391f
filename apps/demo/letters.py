"""Messages and a buzz for the demo account, with people whom it follows and who follow it."""

import datetime
import uuid

from django.utils import timezone

from apps.accounts.models import User
from apps.demo.builder import DEMO
from apps.graph.models import Follow
from apps.messages import actions, events
from apps.messages.models import Buzz, Message

# Each conversation, oldest first; True: the account writes. The last one of the first is unread.
CONVERSATIONS: tuple[tuple[tuple[bool, str], ...], ...] = (
    (
        (False, "psst. are you coming on saturday? i said i'd bring the big kettle."),
        (True, "of course :) shall i bring cake, or is there too much cake already?"),
        (False, "too much cake? never.\n\nit begins at four: https://kwippy.example/ has the way."),
    ),
    (
        (True, "your kwip about the night train made me miss my stop. worth it."),
        (False, "haha. i missed mine while writing it, so we're even :P"),
        (True, "next time we miss one together."),
    ),
)  # fmt: skip


def deliver() -> None:
    """Adds all of it to a community that was just generated, in the caller's transaction."""
    demo = User.objects.get(username=DEMO)
    followed = Follow.objects.filter(follower=demo).values("followee")
    mutual = Follow.objects.filter(followee=demo, follower__in=followed).order_by("-pk")
    friends = [follow.follower for follow in mutual.select_related("follower")[: len(CONVERSATIONS) + 1]]
    for friend, said in reversed(list(zip(friends, CONVERSATIONS, strict=False))):
        _talk(demo, friend, said)
    if len(friends) > len(CONVERSATIONS):
        Buzz.objects.create(buzzer=friends[-1], buzzed=demo)
        events.buzzed.emit(events.Buzzed(friends[-1], demo))


def _talk(demo: User, friend: User, said: tuple[tuple[bool, str], ...]) -> None:
    for number, (is_demos, text) in enumerate(said):
        sender, recipient = (demo, friend) if is_demos else (friend, demo)
        actions.read(user=sender, other=recipient)
        key = uuid.uuid4()
        actions.send(sender=sender, recipient=recipient, text=text, form_key=key)
        moment = timezone.now() - datetime.timedelta(hours=7 * (len(said) - number))
        Message.objects.filter(form_key=key).update(sent_at=moment)
