"""Fields that all forms of a class share: Django copies each of them for each form.

For the nine fields of a kwip's form that was an eighth of what publishing executes in Python. A form may
share them if nothing changes a field or its widget in place; it may add to its `fields` and delete from them.
"""

from collections.abc import Mapping

from django import forms


class SharedFields(dict[str, forms.Field]):
    """What Django copies deeply for each form: here it is a new dict of the same fields."""

    def __deepcopy__(self, _: Mapping[int, object]) -> dict[str, forms.Field]:
        return dict(self)


def shares_fields[F: type[forms.Form]](form: F) -> F:
    """Decorates a form class."""
    form.base_fields = SharedFields(form.base_fields)
    return form
