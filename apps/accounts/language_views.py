"""The page on which people choose the language of their pages and mail."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps import limits
from apps.accounts import actions, languages
from apps.accounts.members import MemberRequest, members_only

PAGE = "accounts/language.html"


class LanguageForm(forms.Form):
    """Each language by its own name, and the site's, whichever that will be."""

    language = forms.ChoiceField(
        label=gettext_lazy("language"),
        required=False,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": gettext_lazy("that's none of these.")},
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        field = self.fields["language"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101
        named = [
            (code, format_html('<span lang="{}" dir="auto">{}</span>', code, name))
            for code, name in settings.LANGUAGES
        ]
        field.choices = [("", _("the site's")), *named]


@members_only
def language(request: MemberRequest) -> HttpResponse:
    form = LanguageForm(request.POST or None, initial={"language": request.user.language})
    if request.method == "POST" and form.is_valid():
        if not (decision := limits.hit("profile", request.user.pk)):
            return limits.refuse(request, decision, PAGE, form)
        return _chosen(request, form.cleaned_data["language"])
    return render(request, PAGE, {"form": form}, status=422 if form.errors else 200)


def _chosen(request: MemberRequest, language: str) -> HttpResponse:
    actions.choose_language(user=request.user, language=language)
    request.user.language = language
    with languages.of(request.user):  # the answer is in the new one
        messages.success(request, _("saved. looking good :)"))
    return redirect("language")
