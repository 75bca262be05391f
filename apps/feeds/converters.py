"""Path converters that refuse impossible values before they reach SQL; `kwippy.wiring` registers them."""

from apps.plaintext import safe


class TagConverter:
    """A tag in any spelling: no space, no slash, and no character that breaks a document."""

    regex = r"[^\x00-\x20/]{1,100}"

    def to_python(self, value: str) -> str:
        if safe(value) != value:
            raise ValueError
        return value

    def to_url(self, value: str) -> str:
        return value


class RangeConverter:
    """The number of a range of ids: small enough for its ids to be bigint, and in one spelling."""

    regex = "0|[1-9][0-9]{0,13}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)
