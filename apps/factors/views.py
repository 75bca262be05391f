"""allauth's pages of second factors, with the site's bounds; the forms are in ``forms.py``."""

from typing import Any

from allauth.mfa import app_settings
from allauth.mfa.base import views as base
from allauth.mfa.internal.flows import trust
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.totp.internal.flows import activate_totp
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_safe
from django.views.generic import TemplateView
from django.views.generic.edit import FormView

from apps.accounts.members import MemberRequest, members_only
from apps.factors import challenges, pending, qr, recovery
from apps.factors.changes import Counted
from apps.factors.queries import MOST_PASSKEYS, factors_of

# The accounts whose owners trust one browser: its cookie stays small.
MOST_TRUSTED = 8

_SECRET = method_decorator(sensitive_post_parameters("code", "credential"), name="dispatch")


@require_safe
@members_only
def index(request: MemberRequest) -> HttpResponse:
    factors = factors_of(request.user.pk)
    context = {
        "factors": factors,
        "codes_in_all": app_settings.RECOVERY_CODE_COUNT,
        "is_full": len(factors.passkeys) >= MOST_PASSKEYS,
        "trusted_days": app_settings.TRUST_COOKIE_AGE.days,
    }
    return render(request, "mfa/index.html", context)


@_SECRET
class AuthenticateView(base.AuthenticateView):
    """The second step of a sign-in: it asks for what the person has."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        challenges.stamp(self.request, challenges.For.SECOND_STEP)
        return context | {"factors": factors_of(self.stage.login.user.pk)}

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)
        response.status_code = 429 if form.has_error("code", "limited") else 422
        return response


@_SECRET
class ReauthenticateView(base.ReauthenticateView):
    pass


class TrustView(base.TrustView):
    def form_valid(self, form: Any) -> HttpResponse:
        """Leaves room in the cookie: it names the accounts that trust this browser."""
        trusts = trust.decode_trust_cookie(self.request)
        if len(trusts) >= MOST_TRUSTED:
            kept = trust.encode_trust_cookie(trusts[1 - MOST_TRUSTED :])
            self.request.COOKIES[app_settings.TRUST_COOKIE_NAME] = kept
        response: HttpResponse = super().form_valid(form)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"trusted_days": app_settings.TRUST_COOKIE_AGE.days}


@_SECRET
class ActivateView(Counted, totp.ActivateTOTPView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        secret = context["form"].secret
        groups = " ".join(secret[place : place + 4] for place in range(0, len(secret), 4))
        return context | {"drawing": qr.draw(context["totp_url"]), "secret": groups}

    def form_valid(self, form: Any) -> HttpResponse:
        """Stores the code's step as well: it signs in only once."""
        try:
            with transaction.atomic():
                app, codes = activate_totp(self.request, form)
                app.data["step"] = form.step
                app.save(update_fields=["data"])
        except IntegrityError:  # sent twice at the same time
            return redirect("mfa_index")
        pending.discard(self.request)
        return redirect("mfa_view_recovery_codes" if codes else "mfa_index")

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)
        response.status_code = 429 if form.has_error("code", "limited") else 422
        return response


class DeactivateView(totp.DeactivateTOTPView):
    pass


class RecoveryCodesView(recovery_codes.ViewRecoveryCodesView):
    """Makes the codes, and shows them once."""

    http_method_names = ["get", "options"]  # a HEAD would use up the one time

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        codes = recovery.show(user_id=self.request.user.pk)
        if codes is None:
            raise Http404
        # Not allauth's: it reads the row without a lock, and then writes all of it.
        context = TemplateView.get_context_data(self, **kwargs)
        # In two groups: they are typed from paper.
        text = "\n".join(f"{code[:4]} {code[4:]}" for code in codes)
        return context | {"codes": text, "can_view_codes": bool(codes)}


class GenerateRecoveryCodesView(Counted, recovery_codes.GenerateRecoveryCodesView):
    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and not factors_of(request.user.pk).has_any:
            messages.info(request, _("recovery codes need a second factor; add one first."))
            return redirect("mfa_index")
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # Not allauth's: it reads the seed, and a lost key must not keep anyone from new codes.
        return FormView.get_context_data(self, **kwargs)
