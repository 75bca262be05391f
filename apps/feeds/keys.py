"""Surrogate keys of timelines. A person's timelines have that person's key (`apps.accounts.keys`)."""

EVERYONE = "everyone"


def tag_pages(name: str) -> str:
    """The pages of one tag."""
    return f"tag:{name}"
