"""allauth's pages of passkeys, with the site's bounds."""

from typing import Any

from allauth.account.app_settings import SESSION_COOKIE_AGE
from allauth.mfa.webauthn import views as webauthn
from allauth.mfa.webauthn.internal.flows import add_authenticator
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic.edit import FormView

from apps import limits
from apps.factors import challenges
from apps.factors.changes import Counted

_SECRET = method_decorator(sensitive_post_parameters("credential"), name="dispatch")
_INDEX = reverse_lazy("mfa_index")


@_SECRET
class AddView(Counted, webauthn.AddWebAuthnView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        challenges.stamp(self.request, challenges.For.ADDING)
        # allauth leaves out what the form view puts in, such as a form with its errors.
        return FormView.get_context_data(self, **kwargs) | {"js_data": context["js_data"]}

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            if form.is_room():
                sent = {name: form.cleaned_data[name] for name in ("name", "credential")}
                _passkey, codes = add_authenticator(self.request, **sent)
                return redirect("mfa_view_recovery_codes" if codes else "mfa_index")
        return self.form_invalid(form)

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)
        response.status_code = 422
        return response


class RenameView(webauthn.EditWebAuthnView):
    success_url = _INDEX


class RemoveView(webauthn.RemoveWebAuthnView):
    http_method_names = [
        "get",
        "head",
        "post",
        "options",
    ]  # a DELETE would tell neither the owner nor the log
    success_url = _INDEX


@_SECRET
class ReauthenticateView(webauthn.ReauthenticateWebAuthnView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        challenges.stamp(self.request, challenges.For.AGAIN)
        return self.with_form(context)

    def with_form(self, context: dict[str, Any]) -> dict[str, Any]:
        """allauth's context, with the form and the other ways, which it leaves out."""
        alternatives = self.get_reauthentication_alternatives()
        return {"form": self.get_form(), "reauthentication_alternatives": alternatives} | context

    def form_invalid(self, form: Any) -> HttpResponse:
        """The page again, with what went wrong; allauth goes to the sign-in page."""
        response: HttpResponse = self.render_to_response(self.get_context_data() | {"form": form})
        response.status_code = 422
        return response


@_SECRET
class SignInView(webauthn.LoginWebAuthnView):
    """Begins a sign-in by passkey (JSON, for the script), and ends it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not (decision := limits.hit("passkey", limits.client_network(request))):
            return limits.refuse_click(request, decision)
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        is_new = not request.session.keys()
        response: HttpResponse = super().get(request, *args, **kwargs)
        if response.status_code == 200:
            challenges.stamp(request, challenges.For.SIGN_IN)
            # A session that has more, such as an opened invitation, stays as long as before.
            if is_new or request.session.get_expiry_age() < challenges.SECONDS:
                request.session.set_expiry(challenges.SECONDS)
        return response

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        self.request.session.set_expiry(SESSION_COOKIE_AGE)
        return response
