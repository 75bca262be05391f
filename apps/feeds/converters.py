"""Path converters: they reject invalid values before SQL. `kwippy.wiring` registers them."""

from apps.plaintext import safe


class TagConverter:
    """A tag in any spelling, without spaces, slashes and characters that XML forbids."""

    regex = r"[^\x00-\x20/]{1,100}"

    def to_python(self, value: str) -> str:
        if safe(value) != value:
            raise ValueError
        return value

    def to_url(self, value: str) -> str:
        return value


class RangeConverter:
    """The number of a range of ids, whose ids fit a bigint."""

    regex = "0|[1-9][0-9]{0,13}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)
