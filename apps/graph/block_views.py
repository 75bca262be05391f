"""Blocking and unblocking people, and the page of those whom a member blocks."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps import limits
from apps.accounts.members import MemberRequest, members_only
from apps.accounts.models import User
from apps.accounts.queries import person
from apps.graph import blocking, queries
from apps.graph.forms import BlockForm
from apps.graph.views import back_to

PAGE = "graph/blocks.html"


@members_only
def blocks(request: MemberRequest) -> HttpResponse:
    """The people whom the member blocks, and a form for another one."""
    form = BlockForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if not (decision := limits.hit("block", request.user.pk)):
            return limits.refuse(request, decision, PAGE, form, page=_page(request))
        try:
            blocked = person(form.cleaned_data["username"])
        except Http404 as error:
            form.add_error("username", str(error))
        else:
            if not (why := _block(request, blocked)):
                return redirect("blocks")
            form.add_error("username", why)
    context = {"form": form, "page": _page(request)}
    return render(request, PAGE, context, status=422 if form.errors else 200)


def _page(request: MemberRequest) -> object:
    return queries.blocked_by(request.user.pk, request.GET)


@require_POST
@members_only
def block(request: MemberRequest, username: str) -> HttpResponse:
    if not (decision := limits.hit("block", request.user.pk)):
        return limits.refuse_click(request, decision)
    blocked = person(username)
    if why := _block(request, blocked):
        messages.error(request, why)
    return _back(request, blocked)


@require_POST
@members_only
def unblock(request: MemberRequest, username: str) -> HttpResponse:
    if not (decision := limits.hit("block", request.user.pk)):
        return limits.refuse_click(request, decision)
    blocked = person(username)
    blocking.unblock(blocker=request.user, blocked=blocked)
    messages.success(request, _("you and %s can see each other again.") % blocked.name)
    return _back(request, blocked)


def _block(request: MemberRequest, blocked: User) -> str:
    """Blocks the person. Returns why not, "" if it worked."""
    try:
        blocking.block(blocker=request.user, blocked=blocked)
    except blocking.BlocksTooMany:
        return _("you block %d people, that's as many as we can keep apart.") % blocking.MOST_BLOCKS
    except blocking.CannotBlock:
        return _("you can't block yourself. be kind to yourself :)")
    messages.success(request, _("you and %s don't see each other any more.") % blocked.name)
    return ""


def _back(request: HttpRequest, blocked: User) -> HttpResponse:
    return HttpResponseRedirect(back_to(request, f"/{blocked.username}/"))
