"""Muting people, words and conversations; the page that lists all mutes of a member, and undoes them."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from apps import limits
from apps.accounts.members import MemberRequest, members_only
from apps.accounts.models import User
from apps.accounts.queries import person
from apps.graph import muting
from apps.graph.forms import MuteForm, WordForm
from apps.graph.models import Mute, MutedConversation, MutedWord
from apps.graph.views import back_to
from apps.kwips import muted_lists, muted_words, queries
from apps.kwips.models import Kwip

PAGE, FORM = "kwips/mutes.html", "kwips/mute.html"
_KINDS: dict[str, muting.Kind] = {"person": Mute, "word": MutedWord, "conversation": MutedConversation}


class KwipMuteForm(MuteForm):
    what = forms.ChoiceField(
        label=gettext_lazy("what?"),
        choices={"conversation": gettext_lazy("this talk"), "person": gettext_lazy("who wrote it")},
        initial="conversation",
    )
    field_order = ("what", "until", "how")


@members_only
def mutes(request: MemberRequest) -> HttpResponse:
    """All mutes, and a form for another word."""
    form = WordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if not (decision := limits.hit("mute", request.user.pk)):
            return limits.refuse(request, decision, PAGE, form, lists=muted_lists.of(request.user))
        if _mutes_word(request.user, form):
            messages.success(request, _("muted."))
            return redirect("mutes")
    context = {"form": form, "lists": muted_lists.of(request.user)}
    return render(request, PAGE, context, status=422 if form.errors else 200)


def _mutes_word(muter: User, form: WordForm) -> bool:
    """Mutes the word of the form; the form has the error if that fails."""
    try:
        word = muted_words.parse(form.cleaned_data["word"])
        muting.mute_word(muter=muter, **word._asdict(), ends_at=form.ends_at, is_muffled=form.is_muffled)
    except muted_words.NoWord as error:
        form.add_error("word", str(error))
    except muting.MutesTooMany:
        form.add_error(None, _too_many())
    return form.is_valid()


@require_POST
@members_only
def undo(request: MemberRequest) -> HttpResponse:
    if not (decision := limits.hit("mute", request.user.pk)):
        return limits.refuse_click(request, decision)
    kind, number = _KINDS.get(request.POST.get("kind", "")), request.POST.get("id", "")
    if kind is None or not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise Http404
    muting.unmute(kind, muter=request.user, pk=int(number))
    messages.success(request, _("you'll hear of it again."))
    return redirect("mutes")


@members_only
def mute_person(request: MemberRequest, username: str) -> HttpResponse:
    muted = person(username)
    if muted.pk == request.user.pk:
        raise Http404
    form = MuteForm(request.POST or None)
    return _mute(request, form, muted, None)


@members_only
def mute_from_kwip(request: MemberRequest, kwip_id: int) -> HttpResponse:
    """Mutes the author of a kwip or comment, or its conversation."""
    kwip = queries.visible_kwip(kwip_id, request.user.pk)
    if kwip is None or kwip.author_id == request.user.pk:
        raise Http404
    return _mute(request, KwipMuteForm(request.POST or None), kwip.author, kwip)


def _mute(request: MemberRequest, form: MuteForm, muted: User, kwip: Kwip | None) -> HttpResponse:
    next_page = back_to(request, "/settings/mutes/")
    context = {"muted": muted, "kwip": kwip, "next": next_page}
    if request.method == "POST" and form.is_valid():
        if not (decision := limits.hit("mute", request.user.pk)):
            return limits.refuse(request, decision, FORM, form, **context)
        muter, ends_at, is_muffled = request.user, form.ends_at, form.is_muffled
        try:
            if kwip is not None and form.cleaned_data["what"] == "conversation":
                talk = kwip.thread_id or kwip.pk
                muting.mute_conversation(muter=muter, kwip_id=talk, ends_at=ends_at, is_muffled=is_muffled)
            else:
                muting.mute_person(muter=muter, muted=muted, ends_at=ends_at, is_muffled=is_muffled)
        except muting.MutesTooMany:
            form.add_error(None, _too_many())
        else:
            messages.success(request, _("muted. the person does not learn of it."))
            return HttpResponseRedirect(next_page)
    status = 422 if form.errors else 200
    return render(request, FORM, {"form": form, **context}, status=status)


def _too_many() -> str:
    return _("that's %d of them, all that fit. take an old one out, and this one fits.") % muting.MOST_MUTES
