"""Every timeline: which kwips, in which order. Each is one page of ids, by an index; cards come after.

``arguments`` is a request's GET, ``viewer_id`` None for someone who is not signed in. All raise `BadCursor`.
"""

from collections.abc import Mapping

from apps.feeds.statements import Entry, run
from apps.keyset import Key, Listing, Page, Seek, encode, moment, paginate
from apps.kwips import queries as kwips
from apps.kwips.queries import Card

PAGE_SIZE = 20
ACTIVE = "active"
SORTS = ("", ACTIVE)

# Up to so many people, asking for each of them is as fast as anything.
FEW_FOLLOWEES = 200
# Of everyone's kwips, how many the network's first plan looks at.
WINDOW = 2_000

_NEWEST = (Key("id"),)
_LAST_COMMENTED = (moment("last_active_at"), Key("id"))


def everyone(
    arguments: Mapping[str, str], *, viewer_id: int | None, sort: str = "", limit: int = PAGE_SIZE
) -> Page[Entry]:
    """What everybody kwips."""
    listing, file = _sorted("everyone", sort), _file("everyone", sort)

    def fetch(seek: Seek) -> list[Entry]:
        return run(file, seek, viewer_id=viewer_id)

    return paginate(arguments, listing, fetch, limit=limit, keep={"sort": sort})


def network(
    arguments: Mapping[str, str],
    *,
    viewer_id: int,
    following_count: int,
    sort: str = "",
    limit: int = PAGE_SIZE,
) -> Page[Entry]:
    """The viewer's own kwips and those of the people they follow; each kwip once, comments left out."""
    listing = _sorted("network", sort)
    window, people = _file("network_window", sort), _file("network_people", sort)

    def fetch(seek: Seek) -> list[Entry]:
        if following_count > FEW_FOLLOWEES:
            entries = run(window, seek, viewer_id=viewer_id, window=WINDOW)
            if len(entries) == seek.limit:
                return entries
        return run(people, seek, viewer_id=viewer_id)

    return paginate(arguments, listing, fetch, limit=limit, keep={"sort": sort})


def person(
    arguments: Mapping[str, str],
    *,
    viewer_id: int | None,
    person_id: int,
    sort: str = "",
    limit: int = PAGE_SIZE,
) -> Page[Entry]:
    """What one person kwips."""
    listing, file = _sorted(f"person {person_id}", sort), _file("person", sort)

    def fetch(seek: Seek) -> list[Entry]:
        return run(file, seek, viewer_id=viewer_id, person=person_id)

    return paginate(arguments, listing, fetch, limit=limit, keep={"sort": sort})


def comments(
    arguments: Mapping[str, str], *, viewer_id: int | None, person_id: int, limit: int = PAGE_SIZE
) -> Page[Entry]:
    """What one person commented."""

    def fetch(seek: Seek) -> list[Entry]:
        return run("comments", seek, viewer_id=viewer_id, person=person_id)

    return paginate(arguments, Listing(f"comments {person_id}"), fetch, limit=limit)


def favourites(
    arguments: Mapping[str, str], *, viewer_id: int | None, person_id: int, limit: int = PAGE_SIZE
) -> Page[Entry]:
    """What one person made a favourite, the last one first."""
    listing = Listing(f"favourites {person_id}", by=(Key("favourite_id"),))

    def fetch(seek: Seek) -> list[Entry]:
        return run("favourites", seek, viewer_id=viewer_id, person=person_id)

    return paginate(arguments, listing, fetch, limit=limit)


def tag(
    arguments: Mapping[str, str], *, viewer_id: int | None, name: str, limit: int = PAGE_SIZE
) -> Page[Entry]:
    """Kwips and comments that carry the tag ``name``, which is in its one spelling."""

    def fetch(seek: Seek) -> list[Entry]:
        return run("tag", seek, viewer_id=viewer_id, tag=name)

    return paginate(arguments, Listing(f"tag {name}"), fetch, limit=limit)


def conversation(
    arguments: Mapping[str, str], *, viewer_id: int | None, thread_id: int, limit: int = PAGE_SIZE
) -> Page[Entry]:
    """The comments on a kwip, the oldest first."""

    def fetch(seek: Seek) -> list[Entry]:
        return run("conversation", seek, viewer_id=viewer_id, thread=thread_id)

    return paginate(arguments, _conversation(thread_id), fetch, limit=limit)


def place_in_conversation(comment_id: int, *, viewer_id: int | None, thread_id: int) -> str:
    """The query string of a page of the conversation that has the comment on it; "" is the first page."""
    listing = _conversation(thread_id)
    seek = Seek(listing, (comment_id,), backward=True, limit=PAGE_SIZE)
    earlier = run("conversation", seek, viewer_id=viewer_id, thread=thread_id)
    if len(earlier) < PAGE_SIZE:
        return ""
    # Some of what was said before it stands above the comment.
    return f"?after={encode(listing, (earlier[PAGE_SIZE // 2].id,))}"


def shown(page: Page[Entry], viewer_id: int | None) -> Page[Card]:
    """The page with its kwips' cards, marked for the viewer. What was deleted meanwhile is left out."""
    return page.showing(kwips.marked(kwips.cards([entry.id for entry in page]), viewer_id))


def _conversation(thread_id: int) -> Listing:
    return Listing(f"conversation {thread_id}", oldest_first=True)


def _sorted(name: str, sort: str) -> Listing:
    return Listing(f"{name}, active", by=_LAST_COMMENTED) if sort == ACTIVE else Listing(name, by=_NEWEST)


def _file(name: str, sort: str) -> str:
    return f"{name}_active" if sort == ACTIVE else name
