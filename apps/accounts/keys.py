"""Cache keys and surrogate keys of users."""

# Surrogate keys of pages that show names and pictures, of lists with bios, of the list of all user names.
PEOPLE = "people"
BIOS = "bios"
NAMES = "names"


def user_pages(username: str) -> str:
    """The surrogate key of a user's pages."""
    return f"user:{username}"


def user_key(user_id: int) -> str:
    return f"user:{user_id}"


def session_key(key: str) -> str:
    return f"session:{key}"
