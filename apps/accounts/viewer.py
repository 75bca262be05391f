"""The part of a user that every page shows to that user."""

from typing import NamedTuple

# What the user object of each request has besides its columns: boolean SQL over accounts_user, by attribute
# of `User`. Apps above accounts add it when the site starts. The cached user has the values, so a change
# invalidates that user's entry.
annotations: dict[str, str] = {}
# The attributes that the cached user has.
MARKS = ("unread", "unread_messages", "has_warning")


class ViewerSummary(NamedTuple):
    """The viewer's data in the page frame: equal summaries render equal frames, so it is a cache key."""

    username: str
    name: str
    avatar: str
    is_private: bool
    unread: bool
    unread_messages: bool
    has_shortcuts: bool

    @property
    def path(self) -> str:
        return f"/{self.username}/"
