"""Parts of an address, refused before they reach SQL where nothing can be there."""

from django.urls import register_converter

from apps.plaintext import safe


class TagConverter:
    """A tag in any spelling: word characters and the marks that combine with them."""

    regex = r"[^\x00-\x20/]{1,100}"

    def to_python(self, value: str) -> str:
        if safe(value) != value:
            raise ValueError
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(TagConverter, "tag")
