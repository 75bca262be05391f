"""Keys of timelines in the caches. A person's timelines have that person's key (`apps.accounts.keys`)."""

EVERYONE = "everyone"
# The page with the kwip of the day.
OF_THE_DAY = "of-the-day"


def network_first_page(viewer_id: int) -> str:
    """The cache key of a kept first page. One release before, "network:" had pages without shares."""
    return f"network-page:{viewer_id}"


def tag_pages(name: str) -> str:
    return f"tag:{name}"
