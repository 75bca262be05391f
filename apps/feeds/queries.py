"""Every timeline: which kwips, in which order. ``viewer_id`` is None for anonymous visitors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from apps.feeds import first_pages
from apps.feeds.statements import Entry, run
from apps.keyset import Fetch, Key, KeysetOrder, Page, Seek, WeightLimit, encode, paginate, timestamp
from apps.kwips import cards, folding
from apps.kwips.cards import Kind

PAGE_SIZE = 20
TALK_SIZE = 50  # comments on a page of a conversation
ACTIVE = "active"

FEW_FOLLOWEES = 200  # up to so many, the network uses plan 2 only, and no first page is kept
WINDOW = 2_000  # how many of everyone's kwips plan 1 reads

_PLACE = (Key("place"),)
_LAST_COMMENTED = (timestamp("last_active_at"), Key("id"))


@dataclass(frozen=True, slots=True)
class Timeline:
    """A sequence of kwips for one viewer. ``fetch`` reads from a position."""

    order: KeysetOrder
    fetch: Fetch[Entry]
    sort: str = ""
    weight: WeightLimit[Entry] | None = None
    size: int = PAGE_SIZE

    def page(self, arguments: Mapping[str, str], *, limit: int = 0) -> Page[Entry]:
        """The page that a request's GET asks for. Raises `BadCursor`."""
        keep, limit = {"sort": self.sort}, limit or self.size
        return paginate(arguments, self.order, self.fetch, limit=limit, weight=self.weight, keep=keep)


def everyone(*, viewer_id: int | None, sort: str = "") -> Timeline:
    """The kwips of everyone."""
    return _timeline("everyone", _listing("everyone", sort), viewer_id, sort)


def network(*, viewer_id: int, following_count: int, sort: str = "") -> Timeline:
    """The kwips of the viewer and of their followees, without comments, and what these share.

    By activity without shares: a comment would have to move each of them. The package describes the plans.
    """

    def people(seek: Seek) -> list[Entry]:
        return run(_file("network_people", sort), seek, viewer_id=viewer_id)

    def window(seek: Seek) -> list[Entry]:
        return run(_file("network_window", sort), seek, viewer_id=viewer_id, window=WINDOW)

    def fetch(seek: Seek) -> list[Entry]:
        if following_count <= FEW_FOLLOWEES:
            return people(seek)
        if not sort and seek.position == seek.order.start and seek.limit <= PAGE_SIZE + 1:
            return first_pages.fetch(seek, viewer_id, window, people)
        entries = window(seek)
        return entries if len(entries) == seek.limit else people(seek)

    order = _listing("network", sort) if sort else KeysetOrder("network", keys=_PLACE)
    return Timeline(order, fetch, sort)


def network_unseen(*, viewer_id: int, following_count: int, sort: str = "") -> Timeline:
    """The network for counting: plan 1 alone if the window covers all newer kwips of everyone."""
    whole = network(viewer_id=viewer_id, following_count=following_count, sort=sort)

    def fetch(seek: Seek) -> Sequence[Entry]:
        many = following_count > FEW_FOLLOWEES
        if many and not run(_file("window_end", sort), seek, viewer_id=viewer_id, window=WINDOW):
            return run(_file("network_window", sort), seek, viewer_id=viewer_id, window=WINDOW)
        return whole.fetch(seek)

    return Timeline(whole.order, fetch, sort)


def person(*, viewer_id: int | None, person_id: int, sort: str = "") -> Timeline:
    """The kwips of one person."""
    return _timeline("person", _listing(f"person {person_id}", sort), viewer_id, sort, person=person_id)


def comments(*, viewer_id: int | None, person_id: int) -> Timeline:
    """The comments of one person."""
    return _timeline("comments", KeysetOrder(f"comments {person_id}"), viewer_id, person=person_id)


def favourites(*, viewer_id: int | None, person_id: int) -> Timeline:
    """The favourites of one person, the last one first."""
    order = KeysetOrder(f"favourites {person_id}", keys=_PLACE)
    return _timeline("favourites", order, viewer_id, person=person_id)


def shares(*, viewer_id: int | None, person_id: int) -> Timeline:
    """What one person shares, the last one first."""
    return _timeline("shares", KeysetOrder(f"shares {person_id}", keys=_PLACE), viewer_id, person=person_id)


def bookmarks(*, viewer_id: int) -> Timeline:
    """The viewer's bookmarks, the last one first."""
    return _timeline("bookmarks", KeysetOrder(f"bookmarks {viewer_id}", keys=_PLACE), viewer_id)


def pinned(*, viewer_id: int | None, person_id: int) -> Timeline:
    """The kwip that a person pinned, if the viewer may see it: a list of one or none."""
    return _timeline("pinned", KeysetOrder(f"pinned by {person_id}"), viewer_id, person=person_id)


def of_the_day() -> Timeline:
    """The kwip of the day, if everyone may see it: a list of one or none."""
    return _timeline("of_the_day", KeysetOrder("of the day"), None)


def tag(*, viewer_id: int | None, name: str) -> Timeline:
    """Kwips and comments with the tag ``name``, in its canonical spelling."""
    return _timeline("tag", KeysetOrder(f"tag {name}"), viewer_id, tag=name)


def conversation(*, viewer_id: int | None, thread_id: int) -> Timeline:
    """The comments on a kwip, the oldest first. A page of long comments has fewer of them."""
    order, longest = KeysetOrder(f"conversation {thread_id}", oldest_first=True), folding.LONG_CHARACTERS
    timeline = _timeline("conversation", order, viewer_id, thread=thread_id, longest=longest)
    return replace(timeline, weight=_weight(), size=TALK_SIZE)


def place_in(conversation: Timeline, comment_id: int) -> str:
    """The query string of the page of the conversation with the comment; "" is the first page."""
    # The comment and those before it.
    seek = Seek(conversation.order, (comment_id + 1,), backward=True, limit=TALK_SIZE + 1)
    nearest = conversation.fetch(seek)
    if len(nearest) <= TALK_SIZE and _weight().fitting(nearest) == len(nearest):
        return ""
    # The page begins some comments before it.
    above = min(TALK_SIZE // 2 + 1, _weight(share=2).fitting(nearest))
    return f"?after={encode(conversation.order, (nearest[above].id,))}"


def place_after(conversation: Timeline, comment_id: int) -> str:
    """The query string of the page with the first comment after that one; "" if the viewer sees none."""
    order = conversation.order
    later = conversation.fetch(Seek(order, (comment_id,), backward=False, limit=1))
    if not later:
        return ""
    return place_in(conversation, later[0].id) or f"?after={encode(order, order.start)}"


def newest_of(conversation: Timeline) -> str:
    """The query string of the last page; the same whatever is written."""
    return f"?before={encode(conversation.order, conversation.order.end)}"


def shown(page: Page[Entry], viewer_id: int | None, kind: Kind = Kind.LISTED) -> Page[bytes]:
    """The page with the cards for the viewer, without deleted kwips."""
    return page.with_items(cards.shown(page.items, viewer_id, kind))


def _timeline(
    file: str, order: KeysetOrder, viewer_id: int | None, sort: str = "", **parameters: int | str
) -> Timeline:
    """The timeline that one .sql file reads."""

    def fetch(seek: Seek) -> list[Entry]:
        return run(_file(file, sort), seek, viewer_id=viewer_id, **parameters)

    return Timeline(order, fetch, sort)


def _weight(*, share: int = 1) -> WeightLimit[Entry]:
    """The limit of a page of a conversation, or of a ``share`` of it."""
    return WeightLimit(folding.PAGE_CHARACTERS // share, lambda entry: entry.characters)


def _listing(name: str, sort: str) -> KeysetOrder:
    if sort == ACTIVE:
        return KeysetOrder(f"{name}, active", keys=_LAST_COMMENTED, moves=True)
    return KeysetOrder(name)


def _file(name: str, sort: str) -> str:
    return f"{name}_active" if sort == ACTIVE else name
