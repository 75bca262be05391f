"""The settings of notices, and the links in mails that end them."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from apps import limits
from apps.accounts.members import MemberRequest, members_only
from apps.notifications import preferences
from apps.notifications.forms import PreferencesForm
from apps.notifications.mail import unsubscribe
from apps.notifications.mail.unsubscribe import Subscription

PAGE = "notifications/settings.html"


@members_only
def settings(request: MemberRequest) -> HttpResponse:
    chosen = preferences.of(request.user)
    form = PreferencesForm(request.POST or None, chosen=chosen)
    if request.method == "POST" and form.is_valid():
        if not (decision := limits.hit("profile", request.user.pk)):
            return limits.refuse(request, decision, PAGE, form)
        values = {name: form.cleaned_data[name] for name in ("digest", "hour", "time_zone")}
        preferences.change(user=request.user, channels=form.channels, **values)
        messages.success(request, _("saved. we'll keep to it :)"))
        return redirect("notice_settings")
    context = {"form": form, "refused_reply": preferences.refused_reply(request.user, chosen)}
    return render(request, PAGE, context, status=422 if form.errors else 200)


@require_POST
@members_only
def try_again(request: MemberRequest) -> HttpResponse:
    """Sends mail to an address again that its server refused."""
    if not (decision := limits.hit("profile", request.user.pk)):
        return limits.refuse_click(request, decision)
    preferences.try_again(user=request.user)
    messages.success(request, _("fine, we'll write to you again."))
    return redirect("notice_settings")


@never_cache
@csrf_exempt  # mail programs send it (RFC 8058): the link is signed, and can do nothing else
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """The link of a mail. Opening it asks; sending it, from there or by a mail program, ends the mail."""
    subscription = Subscription.parse(token)
    if subscription is None:
        raise Http404(_("that link is broken. your settings have everything it could do."))
    if request.method == "POST":
        unsubscribe.end(subscription)
    context = {"subscription": subscription, "is_done": request.method == "POST"}
    return render(request, "notifications/stop.html", context)
