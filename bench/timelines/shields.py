"""What blocks and mutes cost a timeline: a viewer with 200 of each beside one with none, in turns."""

from collections.abc import Callable, Iterable, Sequence

from bench.lib.community import Viewers
from bench.lib.measure import Call, Ratio, Timing, interleaved, times_as_long
from bench.timelines.rivals import PAGE, Cell, page_of

# Of each kind: blocks, muted people, words, tags, conversations.
NUMBER = 200
FOLLOWEES = (100, 1_000, 5_000)


def beside_bare(people: Viewers) -> dict[str, Ratio]:
    """Each page of a viewer with blocks and mutes of people, tags and conversations over a bare viewer's.

    "words" adds 200 silenced words. No first page is kept for either viewer: the plans are compared.
    """
    found: dict[str, Ratio] = {}
    for followees in FOLLOWEES:
        bare = people[followees, "active"]
        shielded, silent = _twin(bare, "shielded", _shields), _twin(bare, "silent", _words)
        for deep in (False, True):
            cell = Cell(followees, "active", deep)
            timings = _timings({"bare": bare, "shields": shielded, "words": silent}, cell)
            for kind in ("shields", "words"):
                found[f"{cell.name}, {kind}"] = times_as_long(timings[kind], timings["bare"])
    return found


def _timings(viewers: dict[str, int], cell: Cell) -> dict[str, Timing]:
    """Times of the plans. Raises SystemExit if the viewers do not see the same page."""
    _, cursor = page_of(viewers["bare"], deep=cell.deep)
    calls = {name: _plans(viewer, cell, cursor) for name, viewer in viewers.items()}
    pages = {name: call() for name, call in calls.items()}
    if any(page != pages["bare"] for page in pages.values()):
        raise SystemExit(f"bench: viewers with and without shields see different pages: {pages}")
    return interleaved(calls)


def _plans(viewer_id: int, cell: Cell, cursor: int) -> Call:
    from apps import lookaside
    from apps.feeds import queries
    from apps.keyset import Seek

    timeline = queries.network(viewer_id=viewer_id, following_count=cell.followees)
    seek = Seek(timeline.order, (cursor,), backward=False, limit=PAGE + 1)

    def read() -> Sequence[object]:
        with lookaside.bypassed():
            return [entry.place for entry in timeline.fetch(seek)]

    return read


def _twin(viewer_id: int, name: str, insert: Callable[[int], None]) -> int:
    """The id of a new person who follows the same people as the viewer."""
    from django.db import connection

    from apps.accounts.models import User
    from apps.graph.models import Follow

    viewer = User.objects.get(pk=viewer_id)
    twin = User.objects.create(
        username=f"bench_{name}_{viewer.following_count}",
        email=f"bench_{name}_{viewer.following_count}@bench.example",
        following_count=viewer.following_count,
    )
    followees = Follow.objects.filter(follower=viewer).values_list("followee_id", flat=True)
    Follow.objects.bulk_create(Follow(follower=twin, followee_id=followee) for followee in followees)
    insert(twin.pk)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return twin.pk


def _others(viewer_id: int) -> list[int]:
    """The least active people whom the viewer does not follow: the pages stay the same."""
    from apps.accounts.models import User
    from apps.graph.models import Follow

    followees = Follow.objects.filter(follower=viewer_id).values("followee")
    people = User.objects.exclude(pk__in=followees).exclude(pk=viewer_id).order_by("kwips_count", "pk")
    return list(people.values_list("pk", flat=True)[: 2 * NUMBER])


def _shields(viewer_id: int) -> None:
    """Blocks (half of them by the others), and mutes of people, tags and conversations."""
    from apps.graph.models import Block, Mute, MutedConversation, MutedWord
    from apps.kwips.models import Kwip

    others = _others(viewer_id)
    blocked, muted = others[:NUMBER], others[NUMBER:]
    Block.objects.bulk_create(
        Block(blocker_id=viewer_id, blocked_id=other)
        if place % 2
        else Block(blocker_id=other, blocked_id=viewer_id)
        for place, other in enumerate(blocked)
    )
    Mute.objects.bulk_create(Mute(muter_id=viewer_id, muted_id=other) for other in muted)
    oldest: Iterable[int] = Kwip.objects.filter(author__in=others).order_by("pk").values_list("pk", flat=True)
    MutedConversation.objects.bulk_create(
        MutedConversation(muter_id=viewer_id, kwip_id=kwip) for kwip in list(oldest)[:NUMBER]
    )
    MutedWord.objects.bulk_create(
        MutedWord(muter_id=viewer_id, word=f"#tag{n}", folded=f"tag{n}", is_tag=True) for n in range(NUMBER)
    )


def _words(viewer_id: int) -> None:
    """Words that no kwip has: each kwip is compared with all of them."""
    from apps.graph.models import MutedWord

    _shields(viewer_id)
    MutedWord.objects.bulk_create(
        MutedWord(muter_id=viewer_id, word=f"wort{n}", folded=f"wort{n}", is_tag=False) for n in range(NUMBER)
    )
