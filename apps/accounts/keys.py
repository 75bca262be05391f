"""Keys of what is cached of people: entries of the look-aside cache, and surrogate keys of public pages."""

# Surrogate keys: every page that shows people (their names and pictures); lists of people with their bios;
# the list of all user names.
PEOPLE = "people"
BIOS = "bios"
NAMES = "names"


def user_pages(username: str) -> str:
    """The surrogate key of one person's pages."""
    return f"user:{username}"


def user_key(user_id: int) -> str:
    """The cache key of a user object."""
    return f"user:{user_id}"


def session_key(key: str) -> str:
    """The cache key of a session."""
    return f"session:{key}"
