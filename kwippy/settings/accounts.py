"""Accounts: the user model, passwords, django-allauth."""

from datetime import timedelta

from kwippy.settings.base import HTTPS
from kwippy.settings.environment import env
from kwippy.settings.security import COOKIE_PREFIX

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = [
    # Two hashes at once in each process, of 46 MiB each. Also verifies Argon2 hashes of earlier releases.
    "apps.accounts.hashers.BoundedArgon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "apps.accounts.password_validators.NotAboutYou"},
    {"NAME": "apps.accounts.password_validators.LongEnough"},
    {"NAME": "apps.accounts.password_validators.ShortEnough"},
    {"NAME": "apps.accounts.password_validators.NotCommon"},
    {"NAME": "apps.accounts.password_validators.NoSiteWords"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"

ACCOUNT_ADAPTER = "apps.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "apps.accounts.auth_forms.LoginForm",
    "signup": "apps.accounts.auth_forms.SignupForm",
    "add_email": "apps.accounts.auth_forms.AddEmailForm",
    "change_password": "apps.accounts.auth_forms.ChangePasswordForm",
    "reset_password": "apps.accounts.auth_forms.ResetPasswordForm",
    "reset_password_from_key": "apps.accounts.auth_forms.ResetPasswordKeyForm",
    "reauthenticate": "apps.accounts.auth_forms.ReauthenticateForm",
    "confirm_login_code": "apps.accounts.auth_forms.SignInCodeForm",
}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
# Mandatory: otherwise sign-up would reveal which addresses have an account.
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_USERNAME_MIN_LENGTH = 3
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
ACCOUNT_USER_MODEL_USERNAME_FIELD = "username"
USERSESSIONS_TRACK_ACTIVITY = False

# The code that is mailed to the owner in an unknown browser: see `apps.accounts.browsers`.
ACCOUNT_LOGIN_BY_CODE_FORMAT = {"numeric": True, "length": 8, "dashed": True}
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 10 * 60
ACCOUNT_LOGIN_BY_CODE_MAX_ATTEMPTS = 5
# Names a browser that an account has signed in from. It says nothing else, and is read only at a sign-in.
KNOWN_BROWSER_COOKIE = f"{COOKIE_PREFIX}browser"

# Second factors: codes of an app (TOTP), passkeys, recovery codes.
MFA_ADAPTER = "apps.factors.adapter.FactorsAdapter"
MFA_FORMS = {
    "authenticate": "apps.factors.forms.AuthenticateForm",
    "reauthenticate": "apps.factors.forms.ReauthenticateForm",
    "activate_totp": "apps.factors.forms.ActivateForm",
    "add_webauthn": "apps.factors.passkey_forms.AddForm",
    "edit_webauthn": "apps.factors.passkey_forms.RenameForm",
    "authenticate_webauthn": "apps.factors.passkey_forms.AuthenticateForm",
    "reauthenticate_webauthn": "apps.factors.passkey_forms.ReauthenticateForm",
    "login_webauthn": "apps.factors.passkey_forms.SignInForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
# A passkey is enough to sign in: it asks its owner for a finger, a face or a PIN.
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
# allauth's own check, which the site's forms do not use: see apps/factors/totp.py.
MFA_TOTP_TOLERANCE = 0
# Only a confirmed address makes an account here. Otherwise allauth would refuse a change of the address to
# people with a second factor.
MFA_ALLOW_UNVERIFIED_EMAIL = True
# A trusted browser is not asked for a second factor until the password or a factor changes.
MFA_TRUST_ENABLED = True
MFA_TRUST_COOKIE_AGE = timedelta(days=30)
MFA_TRUST_COOKIE_NAME = f"{COOKIE_PREFIX}trusted"
MFA_TRUST_COOKIE_SECURE = HTTPS
MFA_TRUST_COOKIE_HTTPONLY = True

#: STAFF_FACTOR_DAYS: Days that operators and moderators have to set up a second factor, from when they got
#:   their role. After them, /admin/ and /moderation/ are closed to them until they have one.
STAFF_FACTOR_DAYS = env.int("STAFF_FACTOR_DAYS", 7)

#: INVITATIONS_OPEN: How many open invitations a member may have. 0 switches invitations off.
INVITATIONS_OPEN = env.int("INVITATIONS_OPEN", 5)
#: INVITATION_DAYS: Days until an invitation expires.
INVITATION_DAYS = env.int("INVITATION_DAYS", 14)
