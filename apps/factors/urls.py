"""URLs of second factors: those of allauth's pages that the site uses, by allauth's names."""

from django.urls import path
from django.views.generic import RedirectView

from apps.factors import passkey_views as passkeys
from apps.factors import views

urlpatterns = [
    path("accounts/2fa/", views.index, name="mfa_index"),
    path("accounts/2fa/authenticate/", views.AuthenticateView.as_view(), name="mfa_authenticate"),
    path("accounts/2fa/reauthenticate/", views.ReauthenticateView.as_view(), name="mfa_reauthenticate"),
    path("accounts/2fa/trust/", views.TrustView.as_view(), name="mfa_trust"),
    path("accounts/2fa/app/", views.ActivateView.as_view(), name="mfa_activate_totp"),
    path("accounts/2fa/app/remove/", views.DeactivateView.as_view(), name="mfa_deactivate_totp"),
    path("accounts/2fa/codes/", views.RecoveryCodesView.as_view(), name="mfa_view_recovery_codes"),
    path(
        "accounts/2fa/codes/new/",
        views.GenerateRecoveryCodesView.as_view(),
        name="mfa_generate_recovery_codes",
    ),
    # The page of all second factors lists them.
    path("accounts/2fa/passkeys/", RedirectView.as_view(pattern_name="mfa_index"), name="mfa_list_webauthn"),
    path("accounts/2fa/passkeys/add/", passkeys.AddView.as_view(), name="mfa_add_webauthn"),
    path("accounts/2fa/passkeys/sign-in/", passkeys.SignInView.as_view(), name="mfa_login_webauthn"),
    path(
        "accounts/2fa/passkeys/reauthenticate/",
        passkeys.ReauthenticateView.as_view(),
        name="mfa_reauthenticate_webauthn",
    ),
    path("accounts/2fa/passkeys/<int:pk>/", passkeys.RenameView.as_view(), name="mfa_edit_webauthn"),
    path("accounts/2fa/passkeys/<int:pk>/remove/", passkeys.RemoveView.as_view(), name="mfa_remove_webauthn"),
]
