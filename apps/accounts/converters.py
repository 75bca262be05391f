"""People in addresses: importing this makes `<person:…>` known to every URL map."""

from django.urls import register_converter


class PersonConverter:
    """A user name in any case; the view redirects to the lower one."""

    regex = "[A-Za-z0-9_]{3,30}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(PersonConverter, "person")
