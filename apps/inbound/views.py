"""The page on which a member gets, renews and switches off the address for post by mail."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps import limits
from apps.accounts.members import MemberRequest, members_only
from apps.inbound import actions, addresses, mails, queries
from apps.inbound.forms import AddressForm

PAGE = "inbound/settings.html"


@never_cache
@members_only
def by_mail(request: MemberRequest) -> HttpResponse:
    """A POST makes a new address, which is shown once: only its hash is stored."""
    if not addresses.is_on():
        raise Http404
    form = AddressForm(request.POST) if request.method == "POST" else AddressForm()
    address = ""
    if form.is_valid():
        if not (decision := limits.hit("mail_address", request.user.pk)):
            return limits.refuse(request, decision, PAGE, form, current=queries.address_of(request.user))
        key = form.cleaned_data["form_key"]
        address = actions.switch_on(user=request.user, form_key=key, tell=mails.tell_owner)
        form = AddressForm()
    context = {"form": form, "address": address, "current": queries.address_of(request.user)}
    return render(request, PAGE, context)


@require_POST
@members_only
def switch_off(request: MemberRequest) -> HttpResponse:
    if not (decision := limits.hit("profile", request.user.pk)):
        return limits.refuse_click(request, decision)
    actions.switch_off(user=request.user)
    messages.success(request, _("switched off. that address leads nowhere now."))
    return redirect("by_mail")
