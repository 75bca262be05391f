"""From the form to the welcome: the page that waits for the mail, and the link in it.

Every answer is the same for an address that is a member's and for one that is not.
"""

from allauth.account.adapter import get_adapter
from allauth.account.app_settings import EMAIL_CONFIRMATION_EXPIRE_DAYS, SALT, SESSION_COOKIE_AGE
from allauth.account.internal.flows.login import perform_login
from allauth.account.models import EmailAddress, EmailConfirmationHMAC, Login
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
from apps.accounts import confirming, joining, queries
from apps.accounts.entrance import AddressForm, PasswordForm
from apps.accounts.models import SignUp, User
from apps.accounts.names import NameTaken
from apps.limits import Decision


@never_cache
@require_safe
def waiting(request: HttpRequest) -> HttpResponse:
    """Look into your mail: the link can be sent again, and a mistyped address be changed."""
    return _waiting(request, confirming.remembered(request), AddressForm())


@require_POST
def send_again(request: HttpRequest) -> HttpResponse:
    sign_up = confirming.remembered(request)
    if sign_up is None or sign_up.user_id:
        return redirect("account_email_verification_sent")
    if not (decision := confirming.send(request, sign_up, again=True)):
        return _waiting(request, sign_up, AddressForm(), refused=decision)
    messages.success(request, _("we sent it again."))
    return redirect("account_email_verification_sent")


@require_POST
def change_address(request: HttpRequest) -> HttpResponse:
    """The same sign-up with another address: the link that went to the first one is void."""
    sign_up = confirming.remembered(request)
    if sign_up is None or sign_up.user_id:
        return redirect("account_email_verification_sent")
    form = AddressForm(request.POST)
    if not form.is_valid():
        return _waiting(request, sign_up, form)
    if not (decision := limits.hit("sign_up_change", limits.client_network(request))):
        return _waiting(request, sign_up, form, refused=decision)
    try:
        changed = joining.ask(
            username=sign_up.username,
            email=form.cleaned_data["email"],
            password=sign_up.password,
            replaces=sign_up.pk,
        )
    except NameTaken:
        return confirming.name_taken(request)
    confirming.remember(request, changed)
    confirming.send(request, changed)
    return redirect("account_email_verification_sent")


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, key: str) -> HttpResponseBase:
    """The link in the mail. In the browser that signed up it is all there is to do.

    Elsewhere it asks for the password: programs that scan mail follow links too, and the owner of an address
    must not confirm what another person signed up with.
    """
    if (sign_up := joining.by_key(key)) is not None:
        if sign_up.user is not None:
            return _confirmed(request, sign_up.user)
        known = confirming.remembered(request)
        if request.method != "HEAD" and known is not None and known.pk == sign_up.pk:
            return _join(request, sign_up)
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
    if refused is not None and form.is_bound:
        form.add_error(None, refused.message)
    said = refused.message if refused is not None and not form.is_bound else ""
    if said and refused is not None and refused.wait <= 60:
        said = _("one is on its way already. give it a minute, then we send another.")
    context = {"sign_up": sign_up, "form": form, "refused": said}
    status = 429 if refused is not None else 422 if form.errors else 200
    response = render(request, "account/verification_sent.html", context, status=status)
    if refused is not None:
        response["Retry-After"] = str(refused.wait)
    return response


def _ask_for_password(
    request: HttpRequest, key: str, who: SignUp | User, confirmation: EmailConfirmationHMAC | None = None
) -> HttpResponse:
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = get_adapter(request).authenticate(
                request, username=who.username, password=form.cleaned_data["password"]
            )
        except ValidationError as error:  # too many tries
            form.add_error(None, error)
            user = None
        else:
            if isinstance(who, SignUp) and getattr(request, "sign_up", None) == who:
                return _join(request, who)
            if (
                user is not None
                and user == who
                and confirmation is not None
                and confirmation.confirm(request)
            ):
                return _enter(request, user)
            form.add_error("password", _("that's not the password you signed up with."))
    context = {"who": who, "form": form, "key": key}
    return render(request, "account/email_confirm.html", context, status=422 if form.errors else 200)


def _join(request: HttpRequest, sign_up: SignUp) -> HttpResponse:
    try:
        user = joining.join(sign_up)
    except joining.AddressTaken:
        return render(request, "account/email_confirm.html", {"confirmation": sign_up})
    except NameTaken:
        return confirming.name_taken(request)
    except SignUp.DoesNotExist:
        return render(request, "account/email_confirm.html")
    return _enter(request, user)


def _enter(request: HttpRequest, user: User) -> HttpResponse:
    came_from = confirming.forget(request)
    welcome = reverse("welcome") + (f"?{urlencode({'next': came_from})}" if came_from else "")
    response: HttpResponse = perform_login(request, Login(user=user, redirect_url=welcome))
    request.session.set_expiry(SESSION_COOKIE_AGE)
    list(messages.get_messages(request))  # the welcome says hello itself
    return response


def _confirmed(request: HttpRequest, user: User) -> HttpResponse:
    """A link that was followed before."""
    if request.user == user:
        messages.info(request, _("your address is confirmed, and you are in :)"))
        return redirect("/")
    return render(request, "account/email_confirm.html", {"is_confirmed": True})


def _confirmed_before(key: str) -> User | None:
    """Whose address it is that a link of allauth's has confirmed."""
    try:
        pk = signing.loads(key, salt=SALT, max_age=EMAIL_CONFIRMATION_EXPIRE_DAYS * 86_400)
    except signing.BadSignature:
        return None
    address = EmailAddress.objects.filter(pk=pk, verified=True).select_related("user").first()
    return address.user if address else None
