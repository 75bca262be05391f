"""A viewer, as each page shows them to themselves."""

from typing import NamedTuple


class Me(NamedTuple):
    """All that the frame of each page shows of its viewer: who has the same `Me` gets the same frame."""

    username: str
    name: str
    avatar: str
    kwips_count: int
    following_count: int
    followers_count: int

    @property
    def path(self) -> str:
        return f"/{self.username}/"
