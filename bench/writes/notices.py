"""What notices add to a comment and to a kwip: the actions, beside the same actions without notices.

The actions of `apps.kwips` run in this process, in turns, on a copy of the community: the statements, their
plans and the events, without HTTP. 50 people track each conversation, 1,000 follow the writer. Before a first
comment no notice waits: a command is enqueued, which writes the notices. Later comments are silent.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from bench.lib.community import community
from bench.lib.database import Server
from bench.lib.measure import Ratio, Timing, interleaved, times_as_long
from bench.writes.site import COMMENT, KWIP

TRACKERS = 50
FOLLOWERS = 1_000
CONVERSATIONS = 2_000  # more than there are first comments
_TRACK = """
INSERT INTO kwips_track (kwip_id, user_id, is_on)
SELECT k.id, u.id, true
FROM (SELECT id FROM accounts_user WHERE id > %(writer)s ORDER BY id LIMIT %(trackers)s) u
CROSS JOIN (
    SELECT id FROM kwips_kwip
    WHERE thread_id IS NULL AND visibility = 0 AND audience_id IS NULL
    ORDER BY id DESC LIMIT %(conversations)s
) k
ON CONFLICT DO NOTHING
"""
_FOLLOW = """
INSERT INTO graph_follow (follower_id, followee_id)
SELECT id, %(writer)s FROM accounts_user WHERE id > %(writer)s ORDER BY id LIMIT %(followers)s
ON CONFLICT DO NOTHING
"""


def measure(server: Server, *, kwips: int, rounds: int) -> dict[str, Timing]:
    """Milliseconds of each action, with and without notices. Sets Django up."""
    with community(server, "notices", kwips=kwips):
        return interleaved(_rivals(), rounds=rounds)


def compared(timings: dict[str, Timing]) -> dict[str, Ratio]:
    bare = timings["comment, bare"]
    return {
        "comment_notices_times_as_long_as_bare": times_as_long(timings["comment"], bare),
        "first_comment_notices_times_as_long_as_bare": times_as_long(timings["first comment"], bare),
        "publish_notices_times_as_long_as_bare": times_as_long(timings["publish"], timings["publish, bare"]),
    }


def _rivals() -> dict[str, Callable[[], object]]:
    from django.db import connection

    from apps.accounts.models import User
    from apps.kwips import actions
    from apps.kwips.models import Kwip

    writer, friend = User.objects.order_by("pk")[:2]
    sizes = {"trackers": TRACKERS, "followers": FOLLOWERS, "conversations": CONVERSATIONS}
    with connection.cursor() as cursor:
        for statement in (_TRACK, _FOLLOW):
            cursor.execute(statement, {"writer": writer.pk} | sizes)
        cursor.execute("ANALYZE")
    public = Kwip.objects.filter(thread=None, visibility=0, audience=None).order_by("-pk")
    thread, *others = public[:CONVERSATIONS]
    untouched = iter(others)

    def comment(thread: Kwip = thread) -> None:
        actions.comment(author=writer, thread=thread, text=COMMENT, form_key=uuid.uuid4())

    def publish() -> None:
        text = KWIP.format(name=friend.username)
        actions.publish(author=writer, text=text, form_key=uuid.uuid4())

    def bare(act: Callable[[], None]) -> Callable[[], None]:
        def without() -> None:
            with _without_notices():
                act()

        return without

    return {
        "comment": comment,
        "first comment": lambda: comment(next(untouched)),
        "comment, bare": bare(comment),
        "publish": publish,
        "publish, bare": bare(publish),
    }


class _Bare:
    """The SQL of kwips, to which no app has added anything."""

    def statement(self, name: str) -> object:
        from apps.kwips.visibility import SQL

        if name not in _BARE:
            if name not in ("publish", "comment"):
                return SQL.statement(name)
            added = {f"{name}_ctes": "", f"{name}_value": "NULL"}
            _BARE[name] = SQL.load(name, **added).statement(f"{name}.sql", f"bench_{name}")
        return _BARE[name]


_BARE: dict[str, object] = {}


@contextmanager
def _without_notices() -> Iterator[None]:
    """Bare statements, and no subscriber of `apps.notifications`."""
    from apps.kwips import counted
    from apps.kwips.events import commented, published

    with ExitStack() as stack:
        stack.enter_context(patch.object(counted, "SQL", _Bare()))
        for event in (commented, published):
            rest = [one for one in event.subscribers_within if "notifications" not in one.__module__]
            stack.enter_context(patch.object(event, "subscribers_within", rest))
        yield
