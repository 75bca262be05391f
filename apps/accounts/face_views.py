"""The page on which people choose the face that the site draws for them."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps import limits
from apps.accounts import actions, faces
from apps.accounts.members import MemberRequest, members_only
from apps.accounts.templatetags.people import drawn

LABELS = {
    "colour": gettext_lazy("colour"),
    "eyes": gettext_lazy("eyes"),
    "mouth": gettext_lazy("mouth"),
    "tilt": gettext_lazy("tilt"),
    "extra": gettext_lazy("and a little something"),
}


class FaceForm(forms.Form):
    """Radio buttons for each part; a choice shows the present face with that part."""

    def __init__(self, *args: Any, face: faces.Face, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        errors = {"required": _("choose one of these."), "invalid_choice": _("that's none of these.")}
        for name, words in faces.CHOICES.items():
            self.fields[name] = forms.ChoiceField(
                label=LABELS[name],
                choices=[(number, _choice(face, name, number, word)) for number, word in enumerate(words)],
                widget=forms.RadioSelect,
                initial=getattr(face, name),
                error_messages=errors,
            )

    def code(self) -> str:
        return faces.Face(*(int(self.cleaned_data[name]) for name in faces.Face._fields)).code


def _choice(face: faces.Face, name: str, number: int, word: object) -> SafeString:
    return format_html('{}<span class="sr">{}</span>', drawn(face._replace(**{name: number}), "m"), word)


@members_only
def face(request: MemberRequest) -> HttpResponse:
    """The form. With `derived` in it, the face is the one that follows from the name again."""
    person = request.user
    form = FaceForm(request.POST or None, face=faces.face(person.username, person.face))
    if request.method != "POST":
        return _page(request, form)
    is_derived = "derived" in request.POST
    if not (is_derived or form.is_valid()):
        return _page(request, form, status=422)
    if not (decision := limits.hit("profile", person.pk)):
        if is_derived:
            return limits.refuse_click(request, decision)
        form.add_error(None, decision.message)
        response = _page(request, form, status=429)
        response["Retry-After"] = str(decision.wait)
        return response
    actions.choose_face(user=person, code="" if is_derived else form.code())
    messages.success(request, _("that's you :)"))
    return redirect("face")


def _page(request: MemberRequest, form: FaceForm, *, status: int = 200) -> HttpResponse:
    return render(request, "accounts/face.html", {"form": form}, status=status)
