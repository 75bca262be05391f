"""The pages for writing. An invalid form is shown again with its text."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps import limits
from apps.accounts.members import MemberRequest, members_only, viewer_id
from apps.accounts.models import User
from apps.fragments import render
from apps.kwips import (
    actions,
    attaching,
    cards,
    composing,
    folding,
    previewing,
    queries,
    tracking,
    undo,
)
from apps.kwips import of_the_day as of_the_day_rules
from apps.kwips.forms import CommentForm, KwipForm
from apps.kwips.models import Kwip, noted
from apps.kwips.picture_forms import asked_before, files_missed, without


@members_only
def compose(request: MemberRequest) -> HttpResponse:
    form = KwipForm(request.POST) if request.method == "POST" else None
    if form is None or not form.is_valid():
        status = 200 if form is None else 422
        return render(request, "kwips/compose.html", {"form": form}, status=status)
    if (missed := files_missed(form, request.POST)) is not None:
        return render(request, "kwips/compose.html", {"form": missed, "is_returned": True}, status=422)
    if "preview" in request.POST:
        return previewing.preview(request, form, "kwips/compose.html")
    if (asked := asked_before(form, request.POST, reminds_alt=request.user.reminds_alt)) is not None:
        return render(request, "kwips/compose.html", {"form": asked, "is_returned": True}, status=422)
    try:
        kwip = composing.publish(request.user, form).kwip
    except attaching.Vanished as vanished:
        context = {"form": without(form, vanished.names), "is_returned": True}
        return render(request, "kwips/compose.html", context, status=422)
    except composing.Limited as refused:
        return limits.refuse(request, refused.decision, "kwips/compose.html", form)
    except actions.Gone:
        return gone(request, text=typed(request))
    undo.offer(request, kwip, _("kwipped :)"))
    return redirect(address(kwip))


@members_only
def comment(request: MemberRequest, kwip_id: int) -> HttpResponse:
    kwip = visible(request, kwip_id)
    if kwip is None:
        return gone(request, text=typed(request))
    thread = kwip.thread or kwip
    form = _comment_form(request, thread)
    if request.method != "POST" or not form.is_valid():
        if limits.prefers_json(request):
            return _refused_in_place(form, 422)
        context = {"form": form, **with_card(kwip, request)}
        return render(request, "kwips/comment.html", context, status=422 if request.method == "POST" else 200)
    try:
        made = composing.comment(request.user, kwip, form).kwip
    except composing.Limited as refused:
        if limits.prefers_json(request):
            return limits.refuse_click(request, refused.decision)
        context = with_card(kwip, request)
        return limits.refuse(request, refused.decision, "kwips/comment.html", form, **context)
    except actions.Gone:
        return gone(request, text=typed(request))
    undo.offer(request, made, _("said."))
    if limits.prefers_json(request):
        return JsonResponse({"href": address(made)})
    return redirect(address(made))


def _refused_in_place(form: Form, status: int) -> JsonResponse:
    """What is wrong with a form, for the page's script, which has the form."""
    words = " ".join(str(error) for errors in form.errors.values() for error in errors)
    return JsonResponse({"error": words}, status=status)


def _comment_form(request: MemberRequest, thread: Kwip) -> CommentForm:
    if request.method == "POST":
        return CommentForm(request.POST)
    return comment_form(request, thread, tracking.tracked(thread, request.user).choice)


def comment_form(request: MemberRequest, thread: Kwip, choice: bool | None) -> CommentForm:
    """The empty form below a conversation; ``choice`` is whether the member chose to track it.

    ``?answers=ID`` addresses it to the author of a comment.
    """
    found = composing.answered(request.GET.get("answers"), thread, request.user.pk)
    addressed = {"answers": found.pk, "text": f"@{found.author.username} "} if found else {}
    return CommentForm(initial={"track": choice is not False, **addressed})


@members_only
def delete(request: MemberRequest, kwip_id: int) -> HttpResponse:
    if request.method == "POST" and queries.is_gone(kwip_id, request.user.pk, request.user.username):
        return redirect(request.user)  # a double click
    kwip = _deletable(request, kwip_id)
    if kwip is None:
        return gone(request)
    if request.method != "POST":
        return render(request, "kwips/delete.html", {"kwip": card_of(kwip)})
    try:
        actions.delete(kwip=kwip)
    except actions.Gone:
        pass  # deleted by another request
    messages.success(request, _("gone. it won't come back :)"))
    return redirect(address(kwip.thread) if kwip.thread else request.user)


@require_POST
@members_only
def of_the_day(request: MemberRequest, kwip_id: int) -> HttpResponse:
    """An operator makes the kwip the kwip of the day, or no longer."""
    if not of_the_day_rules.may_choose(request.user):
        raise PermissionDenied
    if (kwip := queries.visible_kwip(kwip_id, None)) is None:
        return gone(request)
    if "dismiss" in request.POST:
        of_the_day_rules.dismiss(kwip=kwip, by=request.user)
        messages.success(request, _("taken off the front page."))
        return redirect(address(kwip))
    try:
        of_the_day_rules.choose(kwip=kwip, by=request.user)
    except of_the_day_rules.NotForEveryone:
        messages.error(request, _("a comment can't be the kwip of the day."))
    else:
        messages.success(request, _("it's the kwip of the day :)"))
    return redirect(address(kwip))


@require_POST
@members_only
def favourite(request: MemberRequest, kwip_id: int) -> HttpResponse:
    return mark(request, kwip_id, "favourite", actions.favourite)


@require_POST
@members_only
def unfavourite(request: MemberRequest, kwip_id: int) -> HttpResponse:
    return mark(request, kwip_id, "favourite", actions.unfavourite)


@require_POST
@members_only
def track(request: MemberRequest, kwip_id: int) -> HttpResponse:
    return _track(request, kwip_id, is_on=True)


@require_POST
@members_only
def untrack(request: MemberRequest, kwip_id: int) -> HttpResponse:
    return _track(request, kwip_id, is_on=False)


def _track(request: MemberRequest, kwip_id: int, *, is_on: bool) -> HttpResponse:
    if not (decision := limits.hit("track", request.user.pk)):
        return limits.refuse_click(request, decision)
    kwip = visible(request, kwip_id)
    if kwip is None:
        return gone(request)
    thread = kwip.thread or kwip
    tracking.set_tracking(kwip=thread, user=request.user, is_on=is_on)
    if limits.prefers_json(request):
        return JsonResponse({})
    return HttpResponseRedirect(_back(request) or f"{address(thread)}#comments")


def typed(request: HttpRequest) -> str:
    """What was written into a form, to give back."""
    return noted(request.POST.get("content_note", ""), request.POST.get("text", ""))


def gone(request: HttpRequest, *, text: str = "") -> HttpResponse:
    """The page of a deleted kwip; ``text`` is what was written into the form."""
    if limits.prefers_json(request):
        return JsonResponse({"error": _("this kwip was deleted.")}, status=410)
    return render(request, "410.html", {"text": text}, status=410)


def mark(request: MemberRequest, kwip_id: int, limit: str, action: Callable[..., int | None]) -> HttpResponse:
    """Returns the number of marks, if it has one, to the script; a redirect to a browser without it."""
    if not (decision := limits.hit(limit, request.user.pk)):
        return limits.refuse_click(request, decision)
    kwip = visible(request, kwip_id)
    if kwip is None:
        return gone(request)
    try:
        count = action(kwip=kwip, user=request.user)
    except actions.Gone:
        return gone(request)
    if limits.prefers_json(request):
        return JsonResponse({} if count is None else {"count": count})
    back = _back(request)
    return HttpResponseRedirect(f"{back}#kwip-{kwip.pk}" if back and "#" not in back else address(kwip))


def _back(request: HttpRequest) -> str:
    """Where the form says to return to: a path of this site, or ""."""
    back = request.POST.get("next", "")
    is_safe = back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return back if is_safe else ""


def visible(request: HttpRequest, kwip_id: int, username: str | None = None) -> Kwip | None:
    """The kwip, or None if it is deleted. Raises Http404 if the viewer may not know of it."""
    viewer = viewer_id(request)
    kwip = queries.visible_kwip(kwip_id, viewer)
    if kwip is None and not queries.is_gone(kwip_id, viewer, username and username.lower()):
        raise Http404
    return kwip


def own(request: MemberRequest, kwip_id: int) -> Kwip | None:
    kwip = visible(request, kwip_id)
    if kwip is not None and kwip.author_id != request.user.pk:
        raise PermissionDenied(_("that's somebody else's kwip."))
    return kwip


def _deletable(request: MemberRequest, kwip_id: int) -> Kwip | None:
    """The author of a kwip may also delete the comments on it."""
    kwip = visible(request, kwip_id)
    if kwip is not None and not _may_delete(kwip, request.user):
        raise PermissionDenied(_("that's somebody else's kwip."))
    return kwip


def _may_delete(kwip: Kwip, user: User) -> bool:
    return user.pk == kwip.author_id or (kwip.thread is not None and user.pk == kwip.thread.author_id)


def card_of(kwip: Kwip, *, characters: int = folding.ENOUGH_TO_FOLD) -> queries.Card:
    found = queries.cards([kwip.visible], characters=characters)
    if not found:
        raise Http404
    return found[0]


def with_card(kwip: Kwip, request: HttpRequest, kind: cards.Kind = cards.Kind.LISTED) -> dict[str, object]:
    """The facts of a kwip, and its card for the viewer."""
    card = card_of(kwip)
    return {"kwip": card, "shown": cards.shown([card], viewer_id(request), kind)}


def address(kwip: Kwip) -> str:
    return f"/{kwip.author.username}/kwip/{kwip.pk}/"
