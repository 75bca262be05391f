"""The session's pending sign-up, and the mail that confirms its address."""

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from apps import limits
from apps.accounts import invitations, queries, sign_ups
from apps.accounts.models import Application, SignUp
from apps.accounts.names import SIGN_UP_LIFETIME
from apps.limits import Decision
from apps.policy.queries import current as current_policy

_KEY, _NEXT, _APPLICATION = "sign_up", "sign_up_next", "application"
# Maximum length of a path stored in the session.
_PATH_LIMIT = 2_000


def store(request: HttpRequest, sign_up: SignUp, *, next_page: str = "") -> None:
    """Stores the sign-up, and the page to return to, in the session."""
    request.session[_KEY] = sign_up.pk
    request.session.pop(_APPLICATION, None)
    next_page = next_page if len(next_page) <= _PATH_LIMIT else ""
    if next_page.startswith("/") and url_has_allowed_host_and_scheme(next_page, allowed_hosts=None):
        request.session[_NEXT] = next_page
    if not request.user.is_authenticated:
        request.session.set_expiry(SIGN_UP_LIFETIME)


def store_application(request: HttpRequest, application: Application) -> None:
    """Stores the application in the session of a browser that proved to be the applicant's."""
    request.session[_APPLICATION] = application.pk
    if not request.user.is_authenticated:
        request.session.set_expiry(SIGN_UP_LIFETIME)


def current_application(request: HttpRequest) -> Application | None:
    """The session's application, waiting or refused. An accepted one is deleted."""
    pk = request.session.get(_APPLICATION)
    return Application.objects.filter(pk=pk).first() if pk else None


def current(request: HttpRequest) -> SignUp | None:
    """The session's sign-up, unless it was replaced or expired. It may be confirmed already."""
    pk = request.session.get(_KEY)
    return sign_ups.by_id(pk) if pk else None


def discard(request: HttpRequest) -> str:
    """Removes the sign-up from the session; returns the page to return to, or ""."""
    request.session.pop(_KEY, None)
    request.session.pop(_APPLICATION, None)
    invitations.discard(request)
    return str(request.session.pop(_NEXT, ""))


def send_link(request: HttpRequest, sign_up: SignUp, *, again: bool = False) -> Decision:
    """Sends the confirmation link, or a note that the address has an account, if the limits allow it.

    ``again`` marks a repeated mail, to which a further limit applies. While the policy does not admit the
    sign-up, nothing is sent.
    """
    decision = limits.hit("sign_up_mail_again", sign_up.pk)
    if again and not decision:
        return decision
    network = limits.client_network(request)
    for scope, *key in (("sign_up_mail", sign_up.email, network), ("sign_up_mail_address", sign_up.email)):
        if not (decision := limits.hit(scope, *key)):
            return decision
    adapter = get_adapter(request)
    if not sign_ups.admits(is_invited=invitations.is_open(sign_up.invitation_id)):
        return decision
    if queries.is_members(sign_up.email):
        adapter.send_account_already_exists_mail(sign_up.email)
    else:
        link = settings.SITE_URL + reverse("account_confirm_email", args=[sign_ups.key_of(sign_up)])
        content = {"user": sign_up, "activate_url": link}
        adapter.send_mail("account/email/email_confirmation_signup", sign_up.email, content)
    return decision


def closed_page(request: HttpRequest) -> HttpResponse:
    """The page in place of the sign-up form while the policy admits no one, with the text that was typed."""
    context = {"mode": current_policy().sign_up_now, "text": request.POST.get("words", "")}
    return render(request, "account/signup_closed.html", context, status=403)


def name_taken(request: HttpRequest) -> HttpResponse:
    """Redirects to the form: another user or sign-up took the name meanwhile."""
    messages.error(request, _("someone has that name already."))
    return redirect("account_signup")
