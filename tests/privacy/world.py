"""One author in a state, their words, and everyone who may or may not read them.

Each text has a word of its own, its *canary*, so that a page shows a text exactly if it has the word.
"""

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from apps.accounts import actions as people
from apps.accounts.models import User
from apps.directory.tasks import find_active_and_busy, suggest
from apps.graph.actions import follow
from apps.graph.models import Block, Mute
from apps.kwips import actions, bookmarks, narrowing, pins, sharing
from apps.kwips.models import Kwip, Revision
from apps.messages import actions as messages
from apps.messages.models import Message
from tests.support.people import member

AUTHOR = "ann"
ANONYMOUS = "anonymous"
# Who they are to the author. `fay` follows, `zoe` does not, `rex` asks a private author; all know the
# author's words through others.
VIEWERS = (ANONYMOUS, "zoe", "rex", "fay", "bob", "bill", "mia", "hal", AUTHOR)
BLOCKED = frozenset({"bob", "bill"})  # the author blocks bob; bill blocks the author
MUTING = "mia"
FOLLOWERS = frozenset({"fay", MUTING})

# The author's words, but for `answer` and `reply`: fay's below the author's kwips.
CANARIES = ("everyone", "earlier", "followers", "comment", "answer", "reply", "bio", "message")


def canary(name: str) -> str:
    return f"canary{name}"


@dataclass
class World:
    people: dict[str, User]
    kwips: dict[str, Kwip] = field(default_factory=dict)
    revision_id: int = 0
    message_ids: dict[str, int] = field(default_factory=dict)

    @property
    def kwip_ids(self) -> dict[str, int]:
        return {name: kwip.pk for name, kwip in self.kwips.items()}

    @property
    def author(self) -> User:
        return self.people[AUTHOR]


def write(author: User, text: str, **options: Any) -> Kwip:
    return actions.publish(author=author, text=text, form_key=uuid.uuid4(), **options).kwip


def reply(author: User, thread: Kwip, text: str) -> Kwip:
    return actions.comment(author=author, thread=thread, text=text, form_key=uuid.uuid4()).kwip


def built() -> World:
    names = (AUTHOR, "zoe", "rex", "fay", "bob", "bill", "mia", "hal")
    world = World({name: member(name) for name in names})
    made, ann = world.people, world.author
    people.change_profile(user=ann, display_name="Ann", bio=canary("bio"))
    for name in FOLLOWERS:
        follow(follower=made[name], followee=ann)
    for name in ("zoe", "rex", "bob", "bill", MUTING, AUTHOR):
        follow(follower=made[name], followee=made["fay"])  # fay's shares and comments reach them
    everyone_else = " ".join(f"@{name}" for name in names if name != AUTHOR)
    kwip = write(ann, f"{canary('earlier')} #tea {everyone_else}")
    world.kwips["everyone"] = actions.edit(kwip=kwip, text=f"{canary('everyone')} #tea {everyone_else}")
    world.revision_id = Revision.objects.get(kwip=kwip).pk
    own = f"{canary('followers')} #tea {everyone_else}"
    world.kwips["followers"] = write(ann, own, followers_only=True)
    world.kwips["host"] = write(made["hal"], "a kwip of hal's")
    world.kwips["comment"] = reply(ann, world.kwips["host"], f"{canary('comment')} #tea {everyone_else}")
    reply(made["fay"], world.kwips["everyone"], canary("answer"))
    reply(made["fay"], world.kwips["followers"], canary("reply"))
    for kwip in (world.kwips["everyone"], world.kwips["followers"], world.kwips["comment"]):
        actions.favourite(kwip=kwip, user=made["fay"])
        bookmarks.bookmark(kwip=kwip, user=made["fay"])
    for name in ("zoe", "rex", "bob", "bill"):  # before the blocks
        bookmarks.bookmark(kwip=world.kwips["everyone"], user=made[name])
    sharing.share(kwip=world.kwips["everyone"], user=made["fay"])
    follow(follower=ann, followee=made["fay"])
    messages.send(sender=ann, recipient=made["fay"], text=canary("message"), form_key=uuid.uuid4())
    world.message_ids = dict(Message.objects.values_list("owner__username", "pk"))
    Block.objects.create(blocker=ann, blocked=made["bob"])
    Block.objects.create(blocker=made["bill"], blocked=ann)
    Mute.objects.create(muter=made[MUTING], muted=ann)
    pins.pin(kwip=world.kwips["followers"], user=ann)
    find_active_and_busy.func()
    User.objects.update(last_login=timezone.now())
    suggest.func()
    return world


def suspended(world: World) -> None:
    people.switch_off(people=[world.author], by=None)


def private(world: World) -> None:
    """With all earlier kwips for followers."""
    people.set_private(user=world.author, is_private=True)
    follow(follower=world.people["rex"], followee=world.author)
    narrowing.begin(person=world.author)
    narrowing.narrow.func(world.author.pk)


STATES: dict[str, Callable[[World], None]] = {
    "public": lambda world: None,
    "private": private,
    "suspended": suspended,
}
GONE = frozenset({"suspended"})


def may_read(viewer: str, state: str) -> Collection[str]:
    """The texts that the viewer may read somewhere, by their canaries."""
    if state in GONE:
        return ()
    if viewer in BLOCKED:
        return ("bio",)
    to_followers = viewer in FOLLOWERS or viewer == AUTHOR
    if state == "private" and not to_followers:
        return ("comment", "bio")
    return [
        "everyone", "earlier", "comment", "answer", "bio",
        *(["followers", "reply"] if to_followers else []),
        *(["message"] if viewer in {"fay", AUTHOR} else []),
    ]  # fmt: skip
