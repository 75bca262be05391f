"""The surrogate key of a kwip or comment: its page, its whole text, its history."""


def kwip_pages(kwip_id: int | str) -> str:
    return f"kwip:{kwip_id}"
