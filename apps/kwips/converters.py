"""The path converter `<kwip_id:…>`, which `kwippy.wiring` registers."""


class KwipIdConverter:
    """A kwip's id: a positive bigint."""

    regex = "[0-9]{1,19}"

    def to_python(self, value: str) -> int:
        number = int(value)
        if not 0 < number < 2**63 or not value.isascii():
            raise ValueError
        return number

    def to_url(self, value: int) -> str:
        return str(value)
