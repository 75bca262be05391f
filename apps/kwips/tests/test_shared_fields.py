"""The fields of the forms of kwips are shared by all forms of a class, so no form may change one."""

import copy
from typing import Any

import pytest
from django import forms
from django.http import QueryDict
from django.utils.translation import override

from apps.kwips.forms import CommentForm, EditForm, KwipForm

NAME = "0" * 32
SENT = QueryDict(f"text=tea&content_note=a+note&pictures={NAME}&alt-{NAME}=a+cup&followers_only=on")
WRONG = QueryDict(f"text=&content_note={'n' * 500}&pictures={NAME}&alt-{NAME}={'a' * 5000}")
FORMS: list[type[forms.Form]] = [KwipForm, CommentForm, EditForm]


def state(form: type[forms.Form]) -> dict[str, Any]:
    """All that a request could change of the shared fields."""
    return {
        name: copy.deepcopy(
            {**vars(field), "widget": vars(field.widget), "validators": list(map(vars_of, field.validators))}
        )
        for name, field in form.base_fields.items()
    }


def vars_of(validator: Any) -> Any:
    return vars(validator) if hasattr(validator, "__dict__") else validator


@pytest.mark.parametrize("form", FORMS)
def test_two_forms_have_the_same_fields_in_dicts_of_their_own(form: type[forms.Form]) -> None:
    one, other = form(), form()
    assert list(one.fields) == list(form.base_fields)
    assert all(one.fields[name] is field for name, field in other.fields.items())
    del one.fields["text"]
    one.fields["more"] = forms.CharField()
    assert "text" in other.fields
    assert "more" not in other.fields
    assert "text" in form().fields


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sent", [SENT, WRONG], ids=["valid", "invalid"])
def test_checking_and_rendering_a_form_changes_no_field(form: type[forms.Form], sent: QueryDict) -> None:
    before = state(form)
    for language in ("en", "de"):
        with override(language):
            filled = form(sent)
            assert filled.is_valid() == (sent is SENT)
            assert str(filled)
            assert str(form(initial={"text": "tea"}))
    assert state(form) == before


def test_the_fields_of_one_forms_pictures_are_in_no_other_form() -> None:
    assert f"alt-{NAME}" in KwipForm(SENT).fields
    assert f"alt-{NAME}" not in KwipForm().fields
    assert f"alt-{NAME}" not in KwipForm.base_fields
