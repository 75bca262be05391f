"""Surrogate keys of timelines. A person's timelines have that person's key (`apps.accounts.keys`)."""

EVERYONE = "everyone"
# The page with the kwip of the day.
OF_THE_DAY = "of-the-day"


def tag_pages(name: str) -> str:
    return f"tag:{name}"
