"""URLs of the settings, and of the allauth pages that the site uses."""

from allauth.account import views as allauth
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
    path("accounts/login/", auth_views.LoginView.as_view(), name="account_login"),
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
    path("accounts/2fa/reset/", factor_reset_views.own, name="factor_reset"),
    re_path(r"^accounts/2fa/stay/(?P<token>[-:\w]+)/$", factor_reset_views.stay, name="factors_stay"),
    path("invitations/", invitation_views.own, name="invitations"),
    path("invitations/<int:invitation_id>/revoke/", invitation_views.revoke, name="revoke_invitation"),
    re_path(r"^invitation/(?P<token>[0-9a-f]{40})/$", invitation_views.opened, name="invitation"),
    path("accounts/sessions/", views.SessionsView.as_view(), name="usersessions_list"),
    path("accounts/sessions/end/", views.end_all_sessions, name="end_all_sessions"),
    path("accounts/sessions/<int:session_id>/end/", views.end_session, name="end_session"),
]
