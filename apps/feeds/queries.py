"""Every timeline: which kwips, in which order. A page of one is a query for ids; cards come after.

``viewer_id`` is None for someone who is not signed in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apps.feeds.statements import Entry, run
from apps.keyset import Fetch, Key, KeysetOrder, Page, Seek, WeightLimit, encode, paginate, timestamp
from apps.kwips import cards, folding
from apps.kwips.cards import Kind, ShownCard

PAGE_SIZE = 20
ACTIVE = "active"

# Up to so many people, asking for each of them is as fast as anything.
FEW_FOLLOWEES = 200
# Of everyone's kwips, how many the network's first plan looks at.
WINDOW = 2_000

_LAST_COMMENTED = (timestamp("last_active_at"), Key("id"))


@dataclass(frozen=True, slots=True)
class Timeline:
    """A sequence of kwips for one viewer. ``fetch`` reads a stretch of it, wherever in it that is."""

    order: KeysetOrder
    fetch: Fetch[Entry]
    sort: str = ""
    weight: WeightLimit[Entry] | None = None

    def page(self, arguments: Mapping[str, str], *, limit: int = PAGE_SIZE) -> Page[Entry]:
        """The page that a request's GET asks for. Raises `BadCursor`."""
        keep = {"sort": self.sort}
        return paginate(arguments, self.order, self.fetch, limit=limit, weight=self.weight, keep=keep)


def everyone(*, viewer_id: int | None, sort: str = "") -> Timeline:
    """What everybody kwips."""

    def fetch(seek: Seek) -> list[Entry]:
        return run(_file("everyone", sort), seek, viewer_id=viewer_id)

    return Timeline(_listing("everyone", sort), fetch, sort)


def network(*, viewer_id: int, following_count: int, sort: str = "") -> Timeline:
    """The viewer's own kwips and those of the people they follow; each once, comments left out.

    Two plans that find the same: a window over everyone's kwips, exact where it fills the page, and person
    by person, exact always.
    """

    def fetch(seek: Seek) -> list[Entry]:
        if following_count > FEW_FOLLOWEES:
            entries = run(_file("network_window", sort), seek, viewer_id=viewer_id, window=WINDOW)
            if len(entries) == seek.limit:
                return entries
        return run(_file("network_people", sort), seek, viewer_id=viewer_id)

    return Timeline(_listing("network", sort), fetch, sort)


def network_unseen(*, viewer_id: int, following_count: int) -> Timeline:
    """The network, read where there is little: where everyone's kwips end inside the window, it saw all."""
    whole = network(viewer_id=viewer_id, following_count=following_count)

    def fetch(seek: Seek) -> Sequence[Entry]:
        many = following_count > FEW_FOLLOWEES
        if many and not run("window_end", seek, viewer_id=viewer_id, window=WINDOW):
            return run("network_window", seek, viewer_id=viewer_id, window=WINDOW)
        return whole.fetch(seek)

    return Timeline(whole.order, fetch)


def person(*, viewer_id: int | None, person_id: int, sort: str = "") -> Timeline:
    """What one person kwips."""

    def fetch(seek: Seek) -> list[Entry]:
        return run(_file("person", sort), seek, viewer_id=viewer_id, person=person_id)

    return Timeline(_listing(f"person {person_id}", sort), fetch, sort)


def comments(*, viewer_id: int | None, person_id: int) -> Timeline:
    """What one person commented."""

    def fetch(seek: Seek) -> list[Entry]:
        return run("comments", seek, viewer_id=viewer_id, person=person_id)

    return Timeline(KeysetOrder(f"comments {person_id}"), fetch)


def favourites(*, viewer_id: int | None, person_id: int) -> Timeline:
    """What one person made a favourite, the last one first."""

    def fetch(seek: Seek) -> list[Entry]:
        return run("favourites", seek, viewer_id=viewer_id, person=person_id)

    return Timeline(KeysetOrder(f"favourites {person_id}", keys=(Key("favourite_id"),)), fetch)


def tag(*, viewer_id: int | None, name: str) -> Timeline:
    """Kwips and comments that carry the tag ``name``, given in its one spelling."""

    def fetch(seek: Seek) -> list[Entry]:
        return run("tag", seek, viewer_id=viewer_id, tag=name)

    return Timeline(KeysetOrder(f"tag {name}"), fetch)


def conversation(*, viewer_id: int | None, thread_id: int) -> Timeline:
    """The comments on a kwip, the oldest first. A page of long ones has fewer of them."""

    def fetch(seek: Seek) -> list[Entry]:
        return run(
            "conversation", seek, viewer_id=viewer_id, thread=thread_id, longest=folding.LONG_CHARACTERS
        )

    return Timeline(KeysetOrder(f"conversation {thread_id}", oldest_first=True), fetch, weight=_weight())


def place_in(conversation: Timeline, comment_id: int) -> str:
    """The query string of a page of the conversation that has the comment on it; "" is the first page."""
    # The comment, and what was said before it.
    seek = Seek(conversation.order, (comment_id + 1,), backward=True, limit=PAGE_SIZE + 1)
    nearest = conversation.fetch(seek)
    if len(nearest) <= PAGE_SIZE and _weight().fitting(nearest) == len(nearest):
        return ""
    # Some of what was said before it stands above the comment.
    above = min(PAGE_SIZE // 2 + 1, _weight(share=2).fitting(nearest))
    return f"?after={encode(conversation.order, (nearest[above].id,))}"


def shown(page: Page[Entry], viewer_id: int | None, kind: Kind = Kind.LISTED) -> Page[ShownCard]:
    """The page with its kwips' cards, marked for the viewer. What was deleted meanwhile is left out."""
    return page.with_items(cards.shown(page, viewer_id, kind))


def _weight(*, share: int = 1) -> WeightLimit[Entry]:
    """What a page of a conversation, or a ``share`` of one, carries."""
    return WeightLimit(folding.PAGE_CHARACTERS // share, lambda entry: entry.characters)


def _listing(name: str, sort: str) -> KeysetOrder:
    return KeysetOrder(f"{name}, active", keys=_LAST_COMMENTED) if sort == ACTIVE else KeysetOrder(name)


def _file(name: str, sort: str) -> str:
    return f"{name}_active" if sort == ACTIVE else name
