"""URLs of the settings, and of the allauth pages that the site uses."""

from allauth.account import views as allauth
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.urls import path, re_path
from django.views.generic import RedirectView

from apps.accounts import (
    auth_views,
    face_views,
    factor_reset_views,
    invitation_views,
    language_views,
    leaving_views,
    security_views,
    views,
)

# The rest of these paths is a secret key; the request log omits it.
SECRET_PATHS = (
    "/accounts/confirm-email/",
    "/accounts/password/reset/key/",
    "/accounts/back/",
    "/accounts/2fa/stay/",
    "/invitation/",
)

urlpatterns = [
    path("settings/", views.settings, name="settings"),
    path("settings/name/", views.rename, name="rename"),
    path("settings/picture/", views.picture, name="picture"),
    path("settings/picture/remove/", views.remove_picture, name="remove_picture"),
    path("settings/header/", views.header, name="header"),
    path("settings/header/remove/", views.remove_header, name="remove_header"),
    path("settings/language/", language_views.language, name="language"),
    path("settings/face/", face_views.face, name="face"),
    path("settings/keys/", views.keys, name="keys"),
    path("settings/security/", security_views.own, name="security_log"),
    path("settings/leave/", leaving_views.leave, name="leave"),
    re_path(r"^accounts/back/(?P<token>[-:\w]+)/$", leaving_views.come_back, name="come_back"),
    path("accounts/login/", allauth.login, name="account_login"),
    path("accounts/login/code/confirm/", allauth.confirm_login_code, name="account_confirm_login_code"),
    path("accounts/logout/", allauth.logout, name="account_logout"),
    path("accounts/signup/", auth_views.SignUpView.as_view(), name="account_signup"),
    path("accounts/reauthenticate/", allauth.reauthenticate, name="account_reauthenticate"),
    path("accounts/email/", allauth.email, name="account_email"),
    path("accounts/confirm-email/", auth_views.waiting, name="account_email_verification_sent"),
    path("accounts/confirm-email/again/", auth_views.send_again, name="send_confirmation_again"),
    path("accounts/confirm-email/change/", auth_views.change_address, name="change_sign_up_address"),
    re_path(r"^accounts/confirm-email/(?P<key>[-:\w]+)/$", auth_views.confirm, name="account_confirm_email"),
    path("accounts/password/change/", allauth.password_change, name="account_change_password"),
    # allauth sends a user without a password here, to set one while signed in; ours prove their address.
    path(
        "accounts/password/set/",
        RedirectView.as_view(pattern_name="account_reset_password"),
        name="account_set_password",
    ),
    path("accounts/password/reset/", allauth.password_reset, name="account_reset_password"),
    path("accounts/password/reset/done/", allauth.password_reset_done, name="account_reset_password_done"),
    path(
        "accounts/password/reset/key/done/",
        allauth.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        allauth.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("accounts/2fa/", mfa.index, name="mfa_index"),
    path("accounts/2fa/reset/", factor_reset_views.own, name="factor_reset"),
    re_path(r"^accounts/2fa/stay/(?P<token>[-:\w]+)/$", factor_reset_views.stay, name="factors_stay"),
    path("accounts/2fa/authenticate/", mfa.authenticate, name="mfa_authenticate"),
    path("accounts/2fa/reauthenticate/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("accounts/2fa/trust/", mfa.trust, name="mfa_trust"),
    path("accounts/2fa/totp/activate/", totp.activate_totp, name="mfa_activate_totp"),
    path("accounts/2fa/totp/deactivate/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("accounts/2fa/recovery-codes/", recovery_codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "accounts/2fa/recovery-codes/generate/",
        recovery_codes.generate_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
    # The passkeys are listed on the page of all second factors.
    path("accounts/2fa/passkeys/", RedirectView.as_view(pattern_name="mfa_index"), name="mfa_list_webauthn"),
    path("accounts/2fa/passkeys/add/", webauthn.add_webauthn, name="mfa_add_webauthn"),
    path("accounts/2fa/passkeys/login/", webauthn.login_webauthn, name="mfa_login_webauthn"),
    path(
        "accounts/2fa/passkeys/reauthenticate/",
        webauthn.reauthenticate_webauthn,
        name="mfa_reauthenticate_webauthn",
    ),
    path("accounts/2fa/passkeys/<int:pk>/edit/", webauthn.edit_webauthn, name="mfa_edit_webauthn"),
    path("accounts/2fa/passkeys/<int:pk>/remove/", webauthn.remove_webauthn, name="mfa_remove_webauthn"),
    path("invitations/", invitation_views.own, name="invitations"),
    path("invitations/<int:invitation_id>/revoke/", invitation_views.revoke, name="revoke_invitation"),
    re_path(r"^invitation/(?P<token>[0-9a-f]{40})/$", invitation_views.opened, name="invitation"),
    path("accounts/sessions/", views.SessionsView.as_view(), name="usersessions_list"),
    path("accounts/sessions/end/", views.end_all_sessions, name="end_all_sessions"),
    path("accounts/sessions/<int:session_id>/end/", views.end_session, name="end_session"),
]
