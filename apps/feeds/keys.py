"""Surrogate keys of timelines. A person's timelines have that person's key (`apps.accounts.keys`)."""

EVERYONE = "everyone"


def tag_pages(name: str) -> str:
    return f"tag:{name}"
