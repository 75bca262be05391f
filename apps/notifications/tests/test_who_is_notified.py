"""Who is notified of what: every action against every relation to the conversation."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from apps.accounts import actions as accounts
from apps.accounts import invitations
from apps.accounts.models import User
from apps.graph import actions as graph
from apps.graph.models import Block, Follow, Mute
from apps.kwips import actions, sharing
from apps.kwips.models import Kwip
from apps.kwips.tracking import set_tracking
from apps.notifications import actions as notices
from apps.notifications import queries
from apps.notifications.models import Notice, OperatorMessage
from apps.notifications.tests.conftest import run_commands

pytestmark = pytest.mark.django_db(transaction=True)

ACTOR = "writer"
FOLLOWERS = ("tracker", "mentioned", "both", "follower", "off", "mutes", ACTOR)
OTHERS = ("mentioned_member", "tracking_member", "member")
EVERYBODY = ("author", *FOLLOWERS, *OTHERS)
CALLED = "hello @mentioned @both @mentioned_member @off @mutes @writer @author"


@dataclass
class Scene:
    """A kwip of ``author``; its trackers; a comment of ``tracker``; no notices."""

    people: dict[str, User]
    kwip: Kwip
    comment: Kwip
    own: Kwip  # a comment of the actor

    def __getitem__(self, name: str) -> User:
        return self.people[name]


def following() -> dict[str, User]:
    """Everybody; the followers follow the author and the actor. By few statements: most tests begin so."""
    follows = [(name, followee) for name in FOLLOWERS for followee in ("author", ACTOR) if name != followee]
    users = User.objects.bulk_create(
        User(
            username=name,
            email=f"{name}@example.org",
            following_count=sum(name == follower for follower, _ in follows),
            followers_count=sum(name == followee for _, followee in follows),
        )
        for name in EVERYBODY
    )
    people = {user.username: user for user in users}
    Follow.objects.bulk_create(Follow(follower=people[a], followee=people[b]) for a, b in follows)
    return people


@pytest.fixture(params=["everyone", "followers"])
def scene(request: pytest.FixtureRequest, db: None) -> Scene:
    people = following()
    kwip = write(people["author"], followers_only=request.param == "followers")
    comment, own = say(people["tracker"], kwip), say(people[ACTOR], kwip)
    for name in ("tracker", "both", "off", "mutes", "tracking_member", ACTOR):
        set_tracking(kwip=kwip, user=people[name], is_on=True)
    Mute.objects.create(muter=people["mutes"], muted=people[ACTOR])
    accounts.switch_off(people=[people["off"]], by=None)
    Notice.objects.all().delete()
    return Scene(people, kwip, comment, own)


def write(author: User, text: str = "tea", *, followers_only: bool = False) -> Kwip:
    return actions.publish(
        author=author, text=text, form_key=uuid.uuid4(), followers_only=followers_only
    ).kwip


def say(author: User, thread: Kwip, text: str = "milk?") -> Kwip:
    return actions.comment(author=author, thread=thread, text=text, form_key=uuid.uuid4()).kwip


def publishes(scene: Scene) -> None:
    write(scene[ACTOR], CALLED, followers_only=scene.kwip.followers_only)


def stops_tracking(scene: Scene) -> None:
    set_tracking(kwip=scene.kwip, user=scene["author"], is_on=False)
    set_tracking(kwip=scene.kwip, user=scene["tracker"], is_on=False)
    say(scene[ACTOR], scene.kwip)


def edits_twice(scene: Scene) -> None:
    for text in ("@mentioned", "nothing", "@mentioned @mentioned_member"):
        actions.edit(kwip=scene.own, text=text)


def likes_twice(scene: Scene) -> None:
    for act in (actions.favourite, actions.unfavourite, actions.favourite):
        act(kwip=scene.kwip, user=scene[ACTOR])


def shares_twice(scene: Scene) -> None:
    if not scene.kwip.followers_only:
        for act in (sharing.share, sharing.unshare, sharing.share):
            act(kwip=scene.kwip, user=scene[ACTOR])


def asks(scene: Scene, name: str = "member") -> None:
    """Twice."""
    accounts.set_private(user=scene[name], is_private=True)
    graph.unfollow(follower=scene[ACTOR], followee=scene[name])
    for _ in range(2):
        graph.follow(follower=scene[ACTOR], followee=scene[name])


def is_accepted(scene: Scene) -> None:
    """The actor accepts, twice; the follow itself is no news to them."""
    accounts.set_private(user=scene[ACTOR], is_private=True)
    asker = scene["mentioned"]
    graph.unfollow(follower=asker, followee=scene[ACTOR])
    graph.follow(follower=asker, followee=scene[ACTOR])
    Notice.objects.all().delete()
    for _ in range(2):
        graph.accept(asked=scene[ACTOR], asker=asker)


def stops_sharing(scene: Scene) -> None:
    shares_twice(scene)
    Notice.objects.all().delete()
    sharing.unshare(kwip=scene.kwip, user=scene[ACTOR])


def operator_writes(*names: str) -> Callable[[Scene], None]:
    """To all members, if there are no names. The command runs, and runs again."""

    def act(scene: Scene) -> None:
        recipients = [scene[name].pk for name in names] or None
        message = OperatorMessage(text="hello", written_by=scene[ACTOR])
        notices.write_to_members(message=message, recipients=recipients)
        while run_commands():
            pass
        notices.notify_all_members.func(message.pk) if not names else None

    return act


MEMBERS_SEE = {"mentioned_member": "mention", "tracking_member": "tracked"}
TRACKERS = {"author": "comment", "tracker": "tracked", "both": "tracked"}
TABLE: list[tuple[str, Callable[[Scene], Any], dict[str, str], dict[str, str]]] = [
    # the action; who is notified in any conversation; who besides, in one for everyone
    (
        "publishes",
        publishes,
        {"mentioned": "mention", "both": "mention"},
        {"mentioned_member": "mention", "author": "mention"},
    ),
    ("comments", lambda it: say(it[ACTOR], it.kwip), TRACKERS, {"tracking_member": "tracked"}),
    (
        "comments with mentions",
        lambda it: say(it[ACTOR], it.kwip, CALLED),
        {"author": "mention", "tracker": "tracked", "mentioned": "mention", "both": "mention"},
        MEMBERS_SEE,
    ),
    (
        "the author comments",
        lambda it: say(it["author"], it.kwip),
        {"tracker": "tracked", "both": "tracked", "mutes": "tracked", ACTOR: "tracked"},
        {"tracking_member": "tracked"},
    ),
    ("comments once more", lambda it: [say(it[ACTOR], it.kwip) for _ in range(3)], TRACKERS,
     {"tracking_member": "tracked"}),
    ("stops tracking", stops_tracking, {"both": "tracked"}, {"tracking_member": "tracked"}),
    ("edits", lambda it: actions.edit(kwip=it.own, text="@mentioned"), {"mentioned": "mention"}, {}),
    ("edits twice", edits_twice, {"mentioned": "mention"}, {"mentioned_member": "mention"}),
    ("likes", lambda it: actions.favourite(kwip=it.kwip, user=it[ACTOR]), {"author": "favourite"}, {}),
    ("likes twice", likes_twice, {"author": "favourite"}, {}),
    ("likes a comment", lambda it: actions.favourite(kwip=it.comment, user=it[ACTOR]),
     {"tracker": "favourite"}, {}),
    ("likes their own", lambda it: actions.favourite(kwip=it.own, user=it[ACTOR]), {}, {}),
    ("shares", shares_twice, {}, {"author": "share"}),
    ("stops sharing", stops_sharing, {}, {}),
    ("follows", lambda it: graph.follow(follower=it[ACTOR], followee=it["member"]), {"member": "follow"}, {}),
    ("asks to follow", asks, {"member": "request"}, {}),
    ("is accepted", is_accepted, {"mentioned": "accepted"}, {}),
    ("asks the one who mutes", lambda it: asks(it, "mutes"), {}, {}),
    ("follows the one who mutes", lambda it: graph.follow(follower=it[ACTOR], followee=it["mutes"]), {}, {}),
    ("an operator writes to two", operator_writes("mutes", "off", ACTOR),
     {"mutes": "operator", ACTOR: "operator"}, {}),
    ("an operator writes to all", operator_writes(),
     {name: "operator" for name in EVERYBODY if name != "off"}, {}),
    ("stops following", lambda it: graph.unfollow(follower=it[ACTOR], followee=it["author"]), {}, {}),
    ("stops liking", lambda it: actions.unfavourite(kwip=it.kwip, user=it[ACTOR]), {}, {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("act", "always", "for_everyone"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_an_action_notifies_exactly_those_it_concerns_once_and_shows_it_to_them(
    scene: Scene, act: Callable[[Scene], Any], always: dict[str, str], for_everyone: dict[str, str]
) -> None:
    act(scene)
    expected = always | ({} if scene.kwip.followers_only else for_everyone)
    rows = Notice.objects.values_list("recipient__username", "kind")
    assert sorted(rows) == sorted(expected.items())
    shown = {
        (name, line.kind.name)
        for name, person in scene.people.items()
        for group in queries.notices(person, {})
        for line in group.lines
    }
    assert shown == set(expected.items())


def test_someone_with_a_block_between_them_and_the_author_of_a_comment_is_not_notified(scene: Scene) -> None:
    Block.objects.create(blocker=scene["tracker"], blocked=scene[ACTOR])
    Block.objects.create(blocker=scene[ACTOR], blocked=scene["mentioned"])
    say(scene[ACTOR], scene.kwip, "@mentioned")
    notified = set(Notice.objects.values_list("recipient__username", flat=True))
    assert not notified & {"tracker", "mentioned"}
    assert notified >= {"author", "both"}


def test_who_invited_is_shown_one_line_of_the_newcomer_although_they_also_follow(scene: Scene) -> None:
    inviter, newcomer = scene["author"], User.objects.create_user("newcomer", "newcomer@example.org")
    token = invitations.invite(inviter=inviter, note="", form_key=uuid.uuid4())
    invitation = invitations.by_token(token)
    assert invitation
    invitations.take(invitation, invited=newcomer)
    assert kinds_shown(inviter) == ["invitation"]
    assert kinds_shown(newcomer) == ["follow"]


def kinds_shown(person: User) -> list[str]:
    return [line.kind.name for group in queries.notices(person, {}) for line in group.lines]
