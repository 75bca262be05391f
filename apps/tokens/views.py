"""The page on which a person makes and revokes tokens."""

import shlex

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps import limits
from apps.accounts.members import MemberRequest, members_only
from apps.tokens import actions, mails, queries
from apps.tokens.forms import TokenForm
from apps.tokens.models import MOST, Scope

PAGE = "tokens/tokens.html"


@never_cache
@members_only
def tokens(request: MemberRequest) -> HttpResponse:
    """Lists the tokens, and makes one. Its secret is shown once: only a digest is stored."""
    form = TokenForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return _page(request, form)
    if not form.is_valid():
        return _page(request, form, status=422)
    if not (decision := limits.hit("token", request.user.pk)):
        return limits.refuse(request, decision, PAGE, form, **_context(request))
    try:
        secret = actions.make(owner=request.user, tell=mails.tell_owner, **form.chosen)
    except actions.TooMany:
        decision.refund()
        form.add_error(None, _("%d is as many as fit. revoke one that you don't use?") % MOST)
        return _page(request, form, status=422)
    return _page(request, TokenForm(), secret=secret, line=curl(secret, form.chosen["scope"]))


@require_POST
@members_only
def revoke(request: MemberRequest, token_id: int) -> HttpResponse:
    actions.revoke(owner=request.user, token_id=token_id)
    messages.success(request, _("revoked. it opens nothing any more."))
    return redirect("tokens")


@require_POST
@members_only
def revoke_all(request: MemberRequest) -> HttpResponse:
    actions.revoke_all(owner=request.user)
    messages.success(request, _("all revoked. they open nothing any more."))
    return redirect("tokens")


def curl(secret: str, scope: Scope) -> str:
    """One line for a terminal that tries the token."""
    words = ["curl", "-H", f"Authorization: Bearer {secret}"]
    if Scope.WRITE_KWIPS in scope:
        text = _("hello from the command line")
        words += ["--data-urlencode", f"text={text}", settings.SITE_URL + reverse("api_kwips")]
    else:
        words.append(settings.SITE_URL + reverse("api_network"))
    return shlex.join(words)


def _page(request: MemberRequest, form: TokenForm, *, status: int = 200, **context: object) -> HttpResponse:
    return render(request, PAGE, {"form": form} | _context(request) | context, status=status)


def _context(request: MemberRequest) -> dict[str, object]:
    return {"tokens": queries.of_owner(request.user.pk), "most": MOST}
