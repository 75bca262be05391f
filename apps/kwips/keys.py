"""The surrogate key of pages of kwips."""


def kwip_pages(kwip_id: int | str) -> str:
    """The pages of one kwip or comment: with its conversation, whole, its history."""
    return f"kwip:{kwip_id}"
