"""Private people of the demo community, and requests to follow: to them, of the demo account, and to it."""

from apps.accounts.actions import set_private
from apps.accounts.models import User
from apps.demo.builder import DEMO
from apps.graph.actions import follow
from apps.graph.models import Follow

_PRIVATE = 2
_ASKERS = 2


def ask() -> None:
    """Adds all of it to a community that was just generated, in the caller's transaction."""
    demo = User.objects.get(username=DEMO)
    followed = Follow.objects.filter(follower=demo).values("followee")
    others = User.objects.filter(kwips_count__gt=0).exclude(pk=demo.pk)
    for person in others.exclude(pk__in=followed).order_by("pk")[:_PRIVATE]:
        set_private(user=person, is_private=True)
        follow(follower=demo, followee=person)
        _are_asked(person)
    # The account is public again: those who asked meanwhile still wait.
    set_private(user=demo, is_private=True)
    _are_asked(demo)
    set_private(user=demo, is_private=False)


def _are_asked(person: User) -> None:
    followers = Follow.objects.filter(followee=person).values("follower")
    askers = User.objects.filter(kwips_count__gt=0).exclude(pk__in=followers).exclude(pk=person.pk)
    for asker in askers.order_by("-pk")[:_ASKERS]:
        follow(follower=asker, followee=person)
