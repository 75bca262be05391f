"""What a browser that signed up is remembered by, and the mail that confirms the address."""

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from apps import limits
from apps.accounts import joining, queries
from apps.accounts.models import SignUp
from apps.accounts.names import SIGN_UP_WAITS
from apps.limits import Decision

_KEY, _NEXT = "sign_up", "sign_up_next"
# Of an address that the session keeps.
_LONGEST = 2_000


def remember(request: HttpRequest, sign_up: SignUp, *, next_page: str = "") -> None:
    """From now on, this browser is the one that signed up."""
    request.session[_KEY] = sign_up.pk
    next_page = next_page if len(next_page) <= _LONGEST else ""
    if next_page.startswith("/") and url_has_allowed_host_and_scheme(next_page, allowed_hosts=None):
        request.session[_NEXT] = next_page
    if not request.user.is_authenticated:
        request.session.set_expiry(SIGN_UP_WAITS)


def remembered(request: HttpRequest) -> SignUp | None:
    """The sign-up that this browser has sent and that nothing replaced since; it may be confirmed by now."""
    pk = request.session.get(_KEY)
    return joining.by_id(pk) if pk else None


def forget(request: HttpRequest) -> str:
    """This browser has signed up for nothing any more; returns the page it came from, or ""."""
    request.session.pop(_KEY, None)
    return str(request.session.pop(_NEXT, ""))


def send(request: HttpRequest, sign_up: SignUp, *, again: bool = False) -> Decision:
    """Sends the link, unless that is too often; to a member's address, that it is one.

    ``again`` is for what repeats a mail; a new sign-up is no repetition.
    """
    decision = limits.hit("sign_up_mail_again", sign_up.pk)
    if again and not decision:
        return decision
    for scope, who in (
        ("sign_up_mail", (sign_up.email, limits.client_network(request))),
        ("sign_up_mail_address", (sign_up.email,)),
    ):
        if not (decision := limits.hit(scope, *who)):
            return decision
    adapter = get_adapter(request)
    if queries.is_members(sign_up.email):
        adapter.send_account_already_exists_mail(sign_up.email)
    else:
        link = settings.SITE_URL + reverse("account_confirm_email", args=[joining.key_of(sign_up)])
        content = {"user": sign_up, "activate_url": link}
        adapter.send_mail("account/email/email_confirmation_signup", sign_up.email, content)
    return decision


def name_taken(request: HttpRequest) -> HttpResponse:
    """Back to the form: another user or sign-up was faster with the name."""
    messages.error(request, _("someone has that name already."))
    return redirect("account_signup")
