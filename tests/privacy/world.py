"""One author in a state, their words, and everyone who may or may not read them.

Each text has a word of its own, its *canary*, so that a page shows a text exactly if it has the word.
"""

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from apps.accounts import actions as people
from apps.accounts import erasing, leaving
from apps.accounts.models import Leaving, User
from apps.commandqueue.models import Command
from apps.directory.tasks import find_active_and_busy, suggest
from apps.drafts import actions as drafts
from apps.graph import blocking, muting
from apps.graph.actions import follow
from apps.kwips import actions, bookmarks, holding, narrowing, pins, sharing
from apps.kwips.models import Kwip, Revision
from apps.messages import actions as messages
from apps.messages.models import Message
from apps.moderation import actions as moderation
from apps.moderation import cases
from apps.moderation.models import Case, Reason, What
from tests.support.people import member

AUTHOR = "ann"
ANONYMOUS = "anonymous"
MODERATOR = "moe"
# Who they are to the author. `fay` follows, `zoe` does not, `rex` asks a private author; all know the
# author's words through others.
VIEWERS = (ANONYMOUS, "zoe", "rex", "fay", "bob", "bill", "mia", "hal", MODERATOR, AUTHOR)
BLOCKED = frozenset({"bob", "bill"})  # the author blocks bob; bill blocks the author
MUTING = "mia"
FOLLOWERS = frozenset({"fay", MUTING})

# The author's words, but for `answer` and `reply`: fay's below the author's kwips. fay reports the kwip for
# followers, the author, and `message`; `unreported` is another message.
CANARIES = (
    "everyone", "earlier", "followers", "comment", "answer", "reply", "bio", "message", "unreported",
    "draft",
)  # fmt: skip


def viewers_of(state: str) -> Collection[str]:
    """All, if a relation to the author may make a difference."""
    if state in GONE:
        return (ANONYMOUS, "fay", "hal", MODERATOR, AUTHOR)
    return VIEWERS if state in {"public", "private"} else {*VIEWERS} - {"rex", "bob"}


def canary(name: str) -> str:
    return f"canary{name}"


@dataclass
class World:
    people: dict[str, User]
    kwips: dict[str, Kwip] = field(default_factory=dict)
    revision_id: int = 0
    message_ids: dict[str, int] = field(default_factory=dict)
    case_ids: dict[str, int] = field(default_factory=dict)
    draft_id: int = 0
    # More ids and tokens of the author's, by the name that they have in an address.
    owned: dict[str, str] = field(default_factory=dict)

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
    world = World({name: member(name) for name in (AUTHOR, *VIEWERS[1:-1])})
    made, ann = world.people, world.author
    made[MODERATOR].groups.add(Group.objects.get_or_create(name="moderators")[0])
    people.change_profile(user=ann, display_name="Ann", bio=canary("bio"))
    for name in FOLLOWERS:
        follow(follower=made[name], followee=ann)
    for name in ("zoe", "rex", "bob", "bill", MUTING, MODERATOR, AUTHOR):
        follow(follower=made[name], followee=made["fay"])  # fay's shares and comments reach them
    _write(world)
    for text in ("unreported", "message"):
        messages.send(sender=ann, recipient=made["fay"], text=canary(text), form_key=uuid.uuid4())
    world.message_ids = {
        f"{message.owner.username} {message.text.removeprefix('canary')}": message.pk
        for message in Message.objects.select_related("owner")
    }
    kept = drafts.save(owner=ann, fields={"text": [canary("draft")]}, form_key=uuid.uuid4())
    world.draft_id = kept.draft.pk
    _report(world)
    blocking.block(blocker=ann, blocked=made["bob"])
    blocking.block(blocker=made["bill"], blocked=ann)
    muting.mute_person(muter=made[MUTING], muted=ann, ends_at=None, is_muffled=False)
    pins.pin(kwip=world.kwips["followers"], user=ann)
    find_active_and_busy.func()
    User.objects.update(last_login=timezone.now())
    suggest.func()
    return world


def _write(world: World) -> None:
    made, ann = world.people, world.author
    everyone_else = " ".join(f"@{name}" for name in made if name != AUTHOR)
    kwip = write(ann, f"{canary('earlier')} #tea {everyone_else}")
    world.kwips["everyone"] = actions.edit(kwip=kwip, text=f"{canary('everyone')} #tea {everyone_else}").kwip
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
    for name in ("zoe", "rex", "bob", "bill", MODERATOR):  # before the blocks
        bookmarks.bookmark(kwip=world.kwips["everyone"], user=made[name])
    sharing.share(kwip=world.kwips["everyone"], user=made["fay"])
    follow(follower=ann, followee=made["fay"])


def _report(world: World) -> None:
    fay = world.people["fay"]
    message = Message.objects.get(pk=world.message_ids["fay message"])
    for name, thing in {
        "followers": cases.of_kwip(world.kwips["followers"]),
        "bio": cases.of_person(User.objects.get(pk=world.author.pk)),
        "message": cases.of_message(message),
    }.items():
        moderation.report(thing=thing, reporter=fay, reason=Reason.SPAM, words="")
        world.case_ids[name] = Case.objects.get(subject=thing.subject, kind=thing.kind).pk


def private(world: World) -> None:
    """With all earlier kwips for followers."""
    people.set_private(user=world.author, is_private=True)
    follow(follower=world.people["rex"], followee=world.author)
    narrowing.begin(person=world.author)
    narrowing.narrow.func(world.author.pk)


def moderated(what: What) -> Callable[[World], None]:
    def act(world: World) -> None:
        by = world.people[MODERATOR]
        moderation.act(what=what, person=world.author, by=by, reason=Reason.SPAM)

    return act


def leaving_(world: World) -> None:
    leaving.leave(user=world.author)


def deleted(world: World) -> None:
    leaving.leave(user=world.author)
    Command.objects.all().delete()  # what was enqueued has run
    Leaving.objects.update(due_at=timezone.now())
    erasing.erase_due.func()
    assert not Leaving.objects.exists()


def hidden(world: World) -> None:
    for name in ("everyone", "comment"):
        with transaction.atomic():
            case = cases.open_case(cases.of_kwip(world.kwips[name]))
        by = world.people[MODERATOR]
        moderation.act(what=What.HIDE, person=world.author, by=by, reason=Reason.SPAM, case=case)


def held(world: World) -> None:
    for name in ("everyone", "comment"):
        holding.hold(kwip=world.kwips[name])


STATES: dict[str, Callable[[World], None]] = {
    "public": lambda world: None,
    "private": private,
    "limited": moderated(What.LIMIT),
    "suspended": moderated(What.SUSPEND),
    "leaving": leaving_,
    "deleted": deleted,
    "hidden": hidden,
    "held": held,
}
GONE = frozenset({"suspended", "leaving", "deleted"})
WITHHELD = frozenset({"hidden", "held"})  # `everyone` and `comment`, with what is about them


def may_read(viewer: str, state: str) -> Collection[str]:
    """The texts that the viewer may read somewhere, by their canaries."""
    if state in GONE:
        return ()
    if viewer in BLOCKED:
        return ("bio",)
    to_followers = viewer in FOLLOWERS or viewer == AUTHOR
    is_narrow = state == "private" and not to_followers
    is_withheld = state in WITHHELD and viewer != AUTHOR
    return [
        "bio",
        *(["everyone", "earlier", "answer"] if not (is_narrow or is_withheld) else []),
        *(["comment"] if not is_withheld else []),
        *(["followers", "reply"] if to_followers else []),
        *(["message", "unreported"] if viewer in {"fay", AUTHOR} else []),
        *(["draft"] if viewer == AUTHOR else []),
    ]


def may_moderate(viewer: str, state: str) -> Collection[str]:
    """What a moderator sees besides: everything but messages that are not reported."""
    if viewer != MODERATOR or state == "deleted":
        return ()
    return {*CANARIES} - {"unreported", "draft"}
