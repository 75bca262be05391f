"""The surrogate keys of the pages."""


def site_page(slug: str) -> str:
    return f"site-page:{slug}"
