"""Mail: where it goes, and the addresses it comes from."""

from typing import Any
from urllib.parse import urlsplit

from kwippy.settings.base import BASE_DIR, DEBUG, SITE_URL
from kwippy.settings.environment import env, secret

#: MAIL_DIR [none; `var/mail` with DEBUG]: Write each message to an `.eml` file in this folder, not to SMTP.
MAIL_DIR = env.str("MAIL_DIR", str(BASE_DIR / "var" / "mail") if DEBUG else "")
#: SMTP_HOST: The mail server. SMTP_HOST or MAIL_DIR must be set.
SMTP_HOST = env.str("SMTP_HOST", "")
#: DEFAULT_FROM_EMAIL [`kwippy@` the host]: The sender of mail.
DEFAULT_FROM_EMAIL = env.str(
    "DEFAULT_FROM_EMAIL", f"kwippy <kwippy@{urlsplit(SITE_URL).hostname or 'localhost'}>"
)
SERVER_EMAIL = DEFAULT_FROM_EMAIL
#: CONTACT_EMAIL: The recipient of messages from `/contact/`. Empty: they wait in the admin.
CONTACT_EMAIL = env.str("CONTACT_EMAIL", "")
#: SECURITY_CONTACT [`/contact/` if CONTACT_EMAIL is set]: The contact in `/.well-known/security.txt`:
#:   `mailto:…` or `https://…`. Without one that file is a 404.
SECURITY_CONTACT = env.str("SECURITY_CONTACT", f"{SITE_URL}/contact/" if CONTACT_EMAIL else "")

# The mailer that delivers. Error mail uses it directly, since it must work without PostgreSQL.
DIRECT_MAILER: dict[str, Any] = (
    {"BACKEND": "kwippy.eml_backend.EmlFileBackend", "OPTIONS": {"directory": MAIL_DIR}}
    if MAIL_DIR
    else {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": SMTP_HOST,
            #: SMTP_PORT: The port of the mail server.
            "port": env.int("SMTP_PORT", 587),
            #: SMTP_USER: The user name at the mail server. Empty: no authentication.
            "username": env.str("SMTP_USER", ""),
            #: SMTP_PASSWORD: The password at the mail server.
            "password": secret("SMTP_PASSWORD"),
            #: SMTP_TLS: Whether the connection to the mail server uses STARTTLS.
            "use_tls": env.bool("SMTP_TLS", True),
            "timeout": 10,
        },
    }
)

# ── Post by mail ─────────────────────────────────────────────────────────────────────────────────

#: INBOUND_ADDRESS: The addresses of mail that becomes kwips and comments, with `{token}` before the @, such
#:   as `post+{token}@kwippy.example`. Mail to all of them must reach `manage.py receivemail`, or the mailbox
#:   of INBOUND_IMAP_HOST. Empty: no post by mail.
INBOUND_ADDRESS = env.str("INBOUND_ADDRESS", "")
#: INBOUND_REPLY_DAYS: Days for which the mail of a notice can be answered.
INBOUND_REPLY_DAYS = env.int("INBOUND_REPLY_DAYS", 30)
#: INBOUND_SEEN_DAYS: Days for which a mail that comes again is recognized.
INBOUND_SEEN_DAYS = env.int("INBOUND_SEEN_DAYS", 30)
#: INBOUND_IMAP_HOST: The IMAP server from whose mailbox the worker fetches mail. Empty: it fetches none.
INBOUND_IMAP_HOST = env.str("INBOUND_IMAP_HOST", "")
#: INBOUND_IMAP_PORT: The port of the IMAP server.
INBOUND_IMAP_PORT = env.int("INBOUND_IMAP_PORT", 993)
#: INBOUND_IMAP_TLS: Whether the connection to the IMAP server uses TLS from its beginning.
INBOUND_IMAP_TLS = env.bool("INBOUND_IMAP_TLS", True)
#: INBOUND_IMAP_USER: The user name at the IMAP server.
INBOUND_IMAP_USER = env.str("INBOUND_IMAP_USER", "")
#: INBOUND_IMAP_PASSWORD: The password at the IMAP server.
INBOUND_IMAP_PASSWORD = secret("INBOUND_IMAP_PASSWORD")
#: INBOUND_IMAP_FOLDER: The folder of the mailbox. What was read is deleted from it.
INBOUND_IMAP_FOLDER = env.str("INBOUND_IMAP_FOLDER", "INBOX")
