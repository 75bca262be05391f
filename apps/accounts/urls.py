"""Settings, and allauth's pages: those of them that the site leads to."""

from allauth.account import views as allauth
from django.urls import path, re_path

from apps.accounts import entrance_views, session_views, views

# The rest of such a path is a key from a mail; the request log omits it.
SECRET_PATHS = ("/accounts/confirm-email/", "/accounts/password/reset/key/")

urlpatterns = [
    path("settings/", views.settings, name="settings"),
    path("settings/name/", views.rename, name="rename"),
    path("settings/picture/", views.picture, name="picture"),
    path("settings/picture/remove/", views.remove_picture, name="remove_picture"),
    path("accounts/login/", allauth.login, name="account_login"),
    path("accounts/logout/", allauth.logout, name="account_logout"),
    path("accounts/signup/", allauth.signup, name="account_signup"),
    path("accounts/reauthenticate/", allauth.reauthenticate, name="account_reauthenticate"),
    path("accounts/email/", allauth.email, name="account_email"),
    path("accounts/confirm-email/", entrance_views.waiting, name="account_email_verification_sent"),
    path("accounts/confirm-email/again/", entrance_views.send_again, name="send_confirmation_again"),
    path("accounts/confirm-email/change/", entrance_views.change_address, name="change_sign_up_address"),
    re_path(
        r"^accounts/confirm-email/(?P<key>[-:\w]+)/$", entrance_views.confirm, name="account_confirm_email"
    ),
    path("accounts/password/change/", allauth.password_change, name="account_change_password"),
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
    path("accounts/sessions/", session_views.sessions, name="usersessions_list"),
    path("accounts/sessions/<int:session_id>/end/", session_views.end, name="end_session"),
]
