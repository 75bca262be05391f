"""Security: secrets, cookies, proxies, rate limits, and what browsers may do."""

from urllib.parse import urlsplit

from django.utils.csp import CSP

from kwippy.address import OWN_MACHINE
from kwippy.settings.base import DEBUG, HTTPS, MEDIA_URL, SITE_URL
from kwippy.settings.environment import env, secret

# ── Secrets ──────────────────────────────────────────────────────────────────────────────────────

#: SECRET_KEY [none; must be set]: Django's secret key, of 40 characters or more.
SECRET_KEY = secret("SECRET_KEY", "only-for-debug" * 5 if DEBUG else "")
#: SECRET_KEY_FALLBACKS: Former secret keys, comma-separated: what they signed stays valid.
SECRET_KEY_FALLBACKS = [key for key in secret("SECRET_KEY_FALLBACKS").split(",") if key]

# ── Cookies, messages ────────────────────────────────────────────────────────────────────────────

# The __Host- prefix binds a cookie to this host and to TLS. Browsers refuse it over plain HTTP.
COOKIE_PREFIX = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid"
SESSION_COOKIE_SECURE = HTTPS
# A session ends so long after the sign-in, whatever is written into it; `apps.accounts.sessions`.
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
#: SESSION_IDLE_DAYS: Days without a visit after which a member is signed out; 30 days after the sign-in they
#:   are signed out anyway.
SESSION_IDLE_DAYS = env.int("SESSION_IDLE_DAYS", 14)
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrftoken"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "kwippy.errors.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"

# ── Proxies and rate limits ──────────────────────────────────────────────────────────────────────

#: TRUSTED_PROXIES: Networks whose `X-Forwarded-For` is trusted; `unix` for a proxy on a Unix socket.
TRUSTED_PROXIES: list[str] = env.list("TRUSTED_PROXIES", [])

# At most N times in any span of s, m, h or d; None lifts a limit. Ordinary use does not reach them. A network
# is an IPv4 address or an IPv6 /64.
LIMITS: dict[str, str | None] = {
    "failed_sign_in": "5/5m",  # an account from a network: its owner can still sign in from another
    "failed_sign_in_network": "10/1m",  # any accounts from a network
    "failed_sign_in_anywhere": "20/1d",  # an account from all networks: beyond it, its owner gets mail
    "failed_sign_in_mail": "1/1d",  # an account: mail to its owner about failed sign-ins
    # Codes of a second factor, after the right password. Of a million codes one or two are right at a time.
    "factor": "5/5m",  # an account from a network
    "factor_anywhere": "30/1d",  # an account from all networks: a new password lifts it
    "factor_again": "30/1d",  # a person who is signed in: codes that are asked again, or that add an app
    "factor_lift": "1/1d",  # a person: new passwords that lift the three above
    "factor_mail": "1/1d",  # a person: mail about guessed codes after the right password
    "factor_change": "20/1d",  # a person: factors and recovery codes that are added; each is a mail
    "passkey": "30/1m",  # a network: sign-ins by passkey that are begun or tried
    # Codes that are mailed to an owner in an unknown browser: see CODE_FOR_UNKNOWN_BROWSERS.
    "sign_in_code": "5/1h",  # an account from a network
    "sign_in_code_anywhere": "30/1d",  # an account from all networks
    "sign_in_code_tries": "5/15m",  # a code
    "new_browser_mail": "10/1d",  # an account: mail about sign-ins from browsers that it never had
    "sign_up_mail": "5/1h",  # an e-mail address from a network: beyond it no link is sent
    "sign_up_mail_address": "20/1d",  # an e-mail address
    "sign_up_mail_again": "1/1m",  # a sign-up
    "sign_up_change": "10/1h",  # a network: changes of a sign-up's address
    "invite": "10/1d",  # a person
    "rename": "3/30d",  # a person: each former name stays reserved for a year
    "leave": "5/1d",  # a person: each time is a mail
    "publish": "30/10m",  # a person
    "comment": "60/10m",  # a person
    "preview_text": "60/m",
    "edit": "60/10m",  # a person
    "draft": "120/10m",  # a person: saved drafts; the script sends one in ten seconds at most
    "schedule": "60/1h",  # a person
    "new_account_links": "10/1d",  # a new account: links in what it writes
    "new_account_mentions": "10/1d",  # a new account: people whom it mentions and who do not follow it
    # A new account while the site is under attack (/admin/, site policy), instead of the two above:
    "attack_links": "2/1d",
    "attack_mentions": "2/1d",
    "attack_texts": "10/1d",  # kwips and comments together
    "attack_conversations": "2/1d",  # messages to someone with whom they have no conversation
    # The same text: beyond it, it waits for a moderator.
    "same_text": "5/1d",  # a person
    "same_text_new_accounts": "10/1d",  # all new accounts together
    "picture": "60/1h",  # a person
    "picture_seconds": "120/1h",  # a person: CPU seconds of decoding, rejected pictures included
    "profile": "20/1h",  # a person
    "link_check": "20/1h",  # a host: how often the site reads pages there
    "favourite": "120/10m",  # a person: adding and removing
    "share": "60/10m",  # a person: sharing and taking back
    "bookmark": "120/10m",  # a person: adding and removing
    "pin": "30/10m",  # a person: pinning and taking off
    "track": "120/10m",  # a person: tracking and no longer tracking conversations
    "follow": "120/10m",  # a person: adding and removing
    "ask": "60/1d",  # a person: requests to follow private accounts
    "ask_again": "5/7d",  # a person and whom they ask
    "block": "60/10m",  # a person: adding and removing
    "mute": "120/10m",  # a person: adding and removing
    "complete": "120/1m",  # a person: names that are completed while they write
    "message": "30/10m",  # a person
    "conversation": "30/1d",  # a person: messages to someone with whom they have no conversation
    "report": "20/1d",  # a person
    "buzz": "60/1h",  # a person
    "export": "2/1d",  # a person: archives of one's own things
    "import": "10/1d",  # a person: uploads
    "mail_address": "20/1d",  # a person: addresses for post by mail; each is a mail
    "mail_in": "60/1h",  # a person: mails that are read
    "mail_in_tries": "10/1d",  # a mail: how often it waits for room to decode its pictures
    "mail_in_told": "1/1d",  # a person: mail that says why theirs was not published
    "contact": "10/1h",  # a network
    "puzzle_wait": "5/1h",  # a network: forms that come without a solved puzzle, while one is asked for
    "puzzle_again": "2/1h",  # a puzzle: the same form once more, as by a double click
    "token": "20/1d",  # a person: tokens made; each is a mail
    "api_read": "60/1m",  # a person: pages that programs read
    "bad_token": "20/1m",  # a network: requests with unknown tokens
    "csp_report": "20/1m",  # a network: requests with reports of browsers
    "csp_reports": "120/1m",  # all of them together
    "search": "60/1m",  # a person, or a network of anonymous visitors
    "preview": "1/10m",  # one link preview: how often its picture is enqueued
    "previews": "30/1m",  # all link previews together
    "contact_answer": "3/1d",  # an e-mail address, which may belong to someone else
}
# allauth's rate limits, counted in CACHES["default"]. "ip" is a network as above, "key" an e-mail address. A
# limit that is not listed keeps allauth's default, such as login_failed.
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "signup": "10/m/ip,100/d/ip",
    # Beyond it no mail is sent. Links that were sent still work.
    "reset_password": "20/m/ip,100/d/ip,5/30m/key",
    "confirm_email": "1/3m/key,10/d/key",
}

# ── Signing in ───────────────────────────────────────────────────────────────────────────────────

#: CODE_FOR_UNKNOWN_BROWSERS: Whether each sign-in by password in a browser that the account does not know
#:   needs a code from its mail, too, unless its owner has a second factor. Off: only while someone guesses at
#:   the password. While mail is down, it keeps people out of browsers that are new to them.
CODE_FOR_UNKNOWN_BROWSERS = env.bool("CODE_FOR_UNKNOWN_BROWSERS", False)

# ── Browsers ─────────────────────────────────────────────────────────────────────────────────────

# Where browsers report what they stopped.
REPORTS = "/csp-reports/"
# No nonce: a cached page would repeat it. All scripts and styles are static files of this site.
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, *([MEDIA_URL] if "://" in MEDIA_URL else [])],
    "connect-src": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
    "object-src": [CSP.NONE],
    # `apps.cspreports`. Browsers that know `report-to` ignore the other, and report by it to TLS alone.
    "report-uri": [REPORTS],
    **({"report-to": ["csp"]} if HTTPS else {}),
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
# A page shares no window with one of another site, and opens none that must.
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# What a page may use of the browser: keys for signing in, and the whole screen. All else that asks a person,
# or that tells something about them, is refused to all scripts.
PERMISSIONS = {
    "fullscreen": "self",
    "publickey-credentials-create": "self",
    "publickey-credentials-get": "self",
    **dict.fromkeys((
        "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "geolocation",
        "gyroscope", "hid", "idle-detection", "magnetometer", "microphone", "midi", "payment",
        "screen-wake-lock", "serial", "sync-xhr", "usb", "xr-spatial-tracking",
    ), ""),
}  # fmt: skip
# Sent with every document, besides those that Django has settings for.
DOCUMENT_HEADERS = {
    "Permissions-Policy": ", ".join(f"{name}=({allowed})" for name, allowed in sorted(PERMISSIONS.items())),
    # Nothing of another site may embed what is here.
    "Cross-Origin-Resource-Policy": "same-origin",
    **({"Reporting-Endpoints": f'csp="{REPORTS}"'} if HTTPS else {}),
}
X_FRAME_OPTIONS = "DENY"
#: HSTS_SECONDS: Seconds for which browsers use HTTPS only (Strict-Transport-Security). Without effect unless
#:   SITE_URL is https, and for localhost, where other sites are served without TLS.
SECURE_HSTS_SECONDS = (
    env.int("HSTS_SECONDS", 31_536_000) if HTTPS and urlsplit(SITE_URL).hostname not in OWN_MACHINE else 0
)
#: HSTS_SUBDOMAINS: Whether browsers use HTTPS only for every host below the site's, too. They remember it for
#:   HSTS_SECONDS: it can't be taken back sooner.
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_SECONDS > 0 and env.bool("HSTS_SUBDOMAINS", False)
#: SSL_REDIRECT: Whether HTTP requests are redirected to HTTPS. Without effect unless SITE_URL is https.
SECURE_SSL_REDIRECT = HTTPS and env.bool("SSL_REDIRECT", True)
#: BEHIND_TLS_PROXY: Whether `X-Forwarded-Proto` is trusted. On only behind a proxy that overwrites it.
if env.bool("BEHIND_TLS_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# W005, W021: HSTS for subdomains (HSTS_SUBDOMAINS) and preloading affect other hosts. The operator decides.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

# The longest text that a form accepts takes 1.2 MB when it is form-encoded.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
