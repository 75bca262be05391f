"""Sign-up confirmation: the page after the form, and the link in the mail.

Responses do not reveal whether an address has an account.
"""

from typing import Any

from allauth.account import views as allauth
from allauth.account.adapter import get_adapter
from allauth.account.app_settings import EMAIL_CONFIRMATION_EXPIRE_DAYS, SALT, SESSION_COOKIE_AGE
from allauth.account.internal.flows.login import perform_login
from allauth.account.models import EmailAddress, EmailConfirmationHMAC, Login
from allauth.account.stages import LoginByCodeStage, LoginStage
from allauth.account.views import confirm_email as allauth_confirm_email
from django.contrib import messages
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps import limits
from apps.accounts import invitations, pending_sign_up, queries, sign_ups
from apps.accounts.auth_forms import AddressForm, PasswordForm
from apps.accounts.models import Application, SignUp, User
from apps.accounts.names import NameTaken
from apps.limits import Decision

_WAITING = "account/verification_sent.html"


class LoginView(allauth.LoginView):
    """allauth's, but who waits for a mailed code may begin anew: for another code, or as someone else."""

    def _redirect_to_pending_stage(self, request: HttpRequest, stage: LoginStage) -> HttpResponse | None:
        if stage.key == LoginByCodeStage.key:
            return None
        response: HttpResponse | None = super()._redirect_to_pending_stage(request, stage)
        return response


class SignUpView(allauth.SignupView):
    """allauth's, with the site's page while sign-up is closed, and with the session's invitation."""

    def closed(self) -> HttpResponse:
        return pending_sign_up.closed_page(self.request)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"invitation": context["form"].invitation}


@never_cache
@require_safe
def waiting(request: HttpRequest) -> HttpResponse:
    """The page after the form. It can resend the link and change the address.

    For a confirmed applicant, it says what became of the application.
    """
    if (application := pending_sign_up.current_application(request)) is not None:
        return render(request, _WAITING, {"application": application})
    return _waiting(request, pending_sign_up.current(request), AddressForm())


@require_POST
def send_again(request: HttpRequest) -> HttpResponse:
    sign_up = pending_sign_up.current(request)
    if sign_up is None or sign_up.user_id or sign_up.application_id:
        return redirect("account_email_verification_sent")
    if not (decision := pending_sign_up.send_link(request, sign_up, again=True)):
        return _waiting(request, sign_up, AddressForm(), refused=decision)
    messages.success(request, _("we sent it again."))
    return redirect("account_email_verification_sent")


@require_POST
def change_address(request: HttpRequest) -> HttpResponse:
    """Replaces the sign-up's address; the link sent to the former one becomes invalid."""
    sign_up = pending_sign_up.current(request)
    if sign_up is None or sign_up.user_id or sign_up.application_id:
        return redirect("account_email_verification_sent")
    if not _admits(sign_up):
        return pending_sign_up.closed_page(request)
    form = AddressForm(request.POST)
    if not form.is_valid():
        return _waiting(request, sign_up, form)
    if not (decision := limits.hit("sign_up_change", limits.client_network(request))):
        return _waiting(request, sign_up, form, refused=decision)
    try:
        changed = sign_ups.create(
            username=sign_up.username,
            email=form.cleaned_data["email"],
            password=sign_up.password,
            words=sign_up.words,
            time_zone=sign_up.time_zone,
            invitation_id=sign_up.invitation_id,
            replaces=sign_up.pk,
        )
    except NameTaken:
        return pending_sign_up.name_taken(request)
    pending_sign_up.store(request, changed)
    pending_sign_up.send_link(request, changed)
    return redirect("account_email_verification_sent")


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, key: str) -> HttpResponseBase:
    """The link in the mail. The browser that signed up is signed in at once.

    Any other browser must enter the password: mail scanners follow links too, and the owner of an address
    must not confirm a sign-up by another person.
    """
    if (sign_up := sign_ups.by_key(key)) is not None:
        if sign_up.user is not None:
            return _confirmed(request, sign_up.user)
        if sign_up.application is not None:
            return render(request, _WAITING, {"application": sign_up.application})
        known = pending_sign_up.current(request)
        if request.method != "HEAD" and known is not None and known.pk == sign_up.pk:
            return _complete(request, sign_up)
        return _ask_for_password(request, key, sign_up)
    confirmation = EmailConfirmationHMAC.from_key(key)
    if confirmation is None:
        member = _confirmed_before(key)
        return _confirmed(request, member) if member else allauth_confirm_email(request, key=key)
    if User.objects.filter(queries.UNCONFIRMED, pk=confirmation.email_address.user_id).exists():
        return _ask_for_password(request, key, confirmation.email_address.user, confirmation)
    return allauth_confirm_email(request, key=key)


def _waiting(
    request: HttpRequest, sign_up: SignUp | None, form: AddressForm, refused: Decision | None = None
) -> HttpResponse:
    if sign_up is not None and sign_up.application is not None:
        return render(request, _WAITING, {"application": sign_up.application})
    if sign_up is not None and sign_up.user_id is None and not _admits(sign_up):
        return pending_sign_up.closed_page(request)
    if refused is not None and form.is_bound:
        form.add_error(None, refused.message)
    message = refused.message if refused is not None and not form.is_bound else ""
    if message and refused is not None and refused.wait <= 60:
        message = _("one is on its way already. give it a minute, then we send another.")
    context = {"sign_up": sign_up, "form": form, "refused": message}
    status = 429 if refused is not None else 422 if form.errors else 200
    response = render(request, _WAITING, context, status=status)
    if refused is not None:
        response["Retry-After"] = str(refused.wait)
    return response


def _admits(sign_up: SignUp) -> bool:
    return sign_ups.admits(is_invited=invitations.is_open(sign_up.invitation_id))


def _ask_for_password(
    request: HttpRequest, key: str, who: SignUp | User, confirmation: EmailConfirmationHMAC | None = None
) -> HttpResponse:
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = get_adapter(request).authenticate(
                request, username=who.username, password=form.cleaned_data["password"]
            )
        except ValidationError as error:  # too many attempts
            form.add_error(None, error)
            user = None
        else:
            if isinstance(who, SignUp) and getattr(request, "sign_up", None) == who:
                return _complete(request, who)
            if user is not None and user == who and confirmation and confirmation.confirm(request):
                return _sign_in(request, user)
            form.add_error("password", _("that's not the password you signed up with."))
    context = {"who": who, "form": form, "key": key}
    return render(request, "account/email_confirm.html", context, status=422 if form.errors else 200)


def _complete(request: HttpRequest, sign_up: SignUp) -> HttpResponse:
    try:
        outcome = sign_ups.complete(sign_up)
    except sign_ups.NotAdmitted:
        return pending_sign_up.closed_page(request)
    except sign_ups.AddressTaken:
        return render(request, "account/email_confirm.html", {"confirmation": sign_up})
    except NameTaken:
        return pending_sign_up.name_taken(request)
    except SignUp.DoesNotExist:
        return render(request, "account/email_confirm.html")
    if isinstance(outcome, Application):
        pending_sign_up.store_application(request, outcome)
        return redirect("account_email_verification_sent")
    return _sign_in(request, outcome)


def _sign_in(request: HttpRequest, user: User) -> HttpResponse:
    came_from = pending_sign_up.discard(request)
    welcome = reverse("welcome") + (f"?{urlencode({'next': came_from})}" if came_from else "")
    response: HttpResponse = perform_login(request, Login(user=user, redirect_url=welcome))
    request.session.set_expiry(SESSION_COOKIE_AGE)
    list(messages.get_messages(request))  # the welcome page has its own greeting
    return response


def _confirmed(request: HttpRequest, user: User) -> HttpResponse:
    """The response to a link that was used before."""
    if request.user == user:
        messages.info(request, _("your address is confirmed, and you are in :)"))
        return redirect("/")
    return render(request, "account/email_confirm.html", {"is_confirmed": True})


def _confirmed_before(key: str) -> User | None:
    """The user whose address this link of allauth's has confirmed."""
    try:
        pk = signing.loads(key, salt=SALT, max_age=EMAIL_CONFIRMATION_EXPIRE_DAYS * 86_400)
    except signing.BadSignature:
        return None
    address = EmailAddress.objects.filter(pk=pk, verified=True).select_related("user").first()
    return address.user if address else None
