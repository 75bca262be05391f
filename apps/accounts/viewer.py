"""The part of a user that every page shows to that user."""

from typing import NamedTuple


class ViewerSummary(NamedTuple):
    """The viewer's data in the page frame: equal summaries render equal frames, so it is a cache key."""

    username: str
    name: str
    avatar: str
    kwips_count: int
    following_count: int
    followers_count: int

    @property
    def path(self) -> str:
        return f"/{self.username}/"
