"""The path converter `<person:…>`, which `kwippy.wiring` registers."""


class PersonConverter:
    """A user name in any case; the view redirects to lower case."""

    regex = "[A-Za-z0-9_]{3,30}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value
