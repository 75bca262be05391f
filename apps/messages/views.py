"""The pages of messages, what a person takes, and the button for a buzz."""

from django.contrib import messages as notices
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps import limits
from apps.accounts.members import MemberRequest, members_only
from apps.accounts.models import User
from apps.accounts.new_accounts import is_new
from apps.accounts.queries import person
from apps.kwips.converters import kwip_id_of
from apps.messages import actions, queries
from apps.messages.forms import MessageForm, PreferenceForm
from apps.messages.models import Message
from apps.policy.queries import current as current_policy

PAGE = "messages/conversation.html"
MESSAGE = "messages/message.html"
SETTINGS = "messages/settings.html"


@require_safe
@members_only
def inbox(request: MemberRequest) -> HttpResponse:
    page = queries.conversations(request.user, request.GET)
    context = {"page": page, "followers": f"/{request.user.username}/followers/"}
    return render(request, "messages/messages.html", context)


@members_only
def conversation(request: MemberRequest, username: str) -> HttpResponse:
    """Opening the first page reads all messages."""
    other = _other(request, username)
    if request.method != "POST":
        if other.username != username:
            return redirect("messages_with", other.username, permanent=True)
        return _conversation(request, other, MessageForm())
    form = MessageForm(request.POST)
    if not form.is_valid():
        return _conversation(request, other, form, status=422)
    if not (decision := _hit(request.user, other)):
        if Message.objects.filter(
            owner=request.user, other=other, is_mine=True, form_key=form.cleaned_data["form_key"]
        ).exists():
            return redirect("messages_with", other.username)  # sent again
        return limits.refuse(request, decision, PAGE, form, **_context(request, other))
    try:
        is_new = actions.send(sender=request.user, recipient=other, **form.cleaned_data)
    except actions.CannotWrite:
        form.add_error(None, _("that can't be sent any more: %s doesn't take it.") % other.name)
        return _conversation(request, other, form, status=409)
    if not is_new:
        decision.refund()
    return redirect("messages_with", other.username)


def _hit(sender: User, recipient: User) -> limits.Decision:
    """Counts a message; the first one of a conversation counts as such, too."""
    decision = limits.hit("message", sender.pk)
    if decision and queries.newest(sender, recipient) is None:
        if is_new(sender) and (sender.policy or current_policy()).is_under_attack:
            return limits.hit("attack_conversations", sender.pk)
        return limits.hit("conversation", sender.pk)
    return decision


def _conversation(
    request: MemberRequest, other: User, form: MessageForm, *, status: int = 200
) -> HttpResponse:
    if request.method != "POST" and not request.GET.keys() & {"before", "after"}:
        actions.read(user=request.user, other=other)
    return render(request, PAGE, {"form": form} | _context(request, other), status=status)


def _context(request: MemberRequest, other: User) -> dict[str, object]:
    return {
        "person": other,
        "page": queries.messages(request.user, other, request.GET),
        "reach": queries.reach(request.user.pk, other.pk),
    }


@members_only
def message(request: MemberRequest, username: str, message_id: int) -> HttpResponse:
    """One message: a GET asks, a POST deletes it on the member's side."""
    other = _other(request, username)
    found = queries.message(request.user, other, message_id)
    if request.method == "POST":
        actions.delete_message(owner=request.user, other=other, message_id=message_id)
        notices.success(request, _("gone, on your side."))
        return redirect("messages_with", other.username)
    return render(request, MESSAGE, _one(found, other))


def _one(found: Message | None, other: User) -> dict[str, object]:
    """Raises Http404 for a message that the member does not have."""
    if found is None:
        raise Http404(_("that message is not here. maybe you deleted it?"))
    return {"message": queries.shown(found), "person": other}


@members_only
def delete(request: MemberRequest, username: str) -> HttpResponse:
    """Deletes the conversation on the member's side, as far as the page that asked knew it."""
    other = _other(request, username)
    if request.method != "POST":
        newest = queries.newest(request.user, other)
        if newest is None:
            return redirect("messages")
        return render(request, "messages/delete.html", {"person": other, "newest": newest.pk})
    if newest_id := kwip_id_of(request.POST.get("newest")):
        actions.delete_conversation(owner=request.user, other=other, newest=newest_id)
        notices.success(request, _("gone, on your side."))
    return redirect("messages")


@members_only
def preferences(request: MemberRequest) -> HttpResponse:
    form = PreferenceForm(request.POST or None, instance=queries.preference(request.user))
    if request.method != "POST" or not form.is_valid():
        return render(request, SETTINGS, {"form": form}, status=422 if request.method == "POST" else 200)
    if not (decision := limits.hit("profile", request.user.pk)):
        return limits.refuse(request, decision, SETTINGS, form)
    actions.prefer(user=request.user, **form.cleaned_data)
    notices.success(request, _("saved."))
    return redirect("message_settings")


@require_POST
@members_only
def buzz(request: MemberRequest, username: str) -> HttpResponse:
    if not (decision := limits.hit("buzz", request.user.pk)):
        return limits.refuse_click(request, decision)
    other = person(username)
    try:
        actions.buzz(buzzer=request.user, buzzed=other)
    except actions.CannotBuzz:
        notices.error(request, _why_not(request, other))
    else:
        notices.success(request, _("bzzz! now %s knows that you miss those kwips :P") % other.name)
    return redirect(other)


def _why_not(request: MemberRequest, other: User) -> str:
    reach = queries.reach(request.user.pk, other.pk)
    if reach is None:
        return _("you can't buzz yourself. but hey, what's on your mind? :)")
    if reach.was_buzzed:
        return _("you buzzed %s already. once a day is plenty :)") % other.name
    if not reach.follows or reach.is_blocked:
        return _("you can buzz people who follow you.")
    if not reach.takes_buzzes:
        return _("%s likes it quiet, and takes no buzzes.") % other.name
    return _("%s said something just lately. no need to buzz :)") % other.name


def _other(request: HttpRequest, username: str) -> User:
    """The person with that name. Raises Http404."""
    other = person(username)
    if other.pk == request.user.pk:
        raise Http404(_("that's you. talking to oneself is what kwips are for :)"))
    return other
