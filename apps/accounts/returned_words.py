"""What a form had, for the pages that answer in its place: an error, or a session that has ended."""

from django.http import HttpRequest

# Names of form fields that are given back, in this order; one that ends in a hyphen stands for all that begin
# with it. Apps declare theirs beside their forms; `kwippy.wiring` adds them here.
returned_fields: list[str] = []


def typed(request: HttpRequest) -> str:
    """The text of a form, to be copied; never a password."""
    names = [name for field in returned_fields for name in _of(field, request)]
    return "\n\n".join(filter(None, (request.POST.get(name, "") for name in names)))


def _of(field: str, request: HttpRequest) -> list[str]:
    return [name for name in request.POST if name.startswith(field)] if field.endswith("-") else [field]
