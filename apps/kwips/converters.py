"""A kwip's id in an address: the path converter `<kwip_id:…>`, which `kwippy.wiring` registers."""

import re


class KwipIdConverter:
    """A kwip's id: a bigint, below zero for an imported kwip."""

    regex = "-?[0-9]{1,19}"

    def to_python(self, value: str) -> int:
        number = int(value)
        if not number or not -(2**63) <= number < 2**63 or not value.isascii():
            raise ValueError
        return number

    def to_url(self, value: int) -> str:
        return str(value)


def kwip_id_of(value: object) -> int | None:
    """The id in a query string or a form; None if it is malformed."""
    try:
        text = str(value) if re.fullmatch(KwipIdConverter.regex, str(value)) else ""
        return KwipIdConverter().to_python(text)
    except ValueError:
        return None
