"""Every kind of mail has a sample, and every sample meets the requirements of a mail."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.template.utils import get_app_template_dirs
from django.test import Client

from apps.commandqueue.mail.headers import is_one_line
from apps.commandqueue.mail.rendering import render, wrapped
from apps.commandqueue.models import Command
from kwippy.management.commands.previewmail import SOURCES

# Notifications of the account's owner, by name; all other mails answer a request.
HAPPENED = {
    "email_changed", "email_confirm", "email_deleted", "password_changed", "password_reset", "password_set",
    "mail_address_made", "token_made", "totp_activated", "totp_deactivated", "webauthn_added",
    "webauthn_removed", "recovery_codes_generated", "recovery_code_used", "codes_guessed",
}  # fmt: skip
# The files that create mails: those with templates, and those for operators.
MAKERS = {
    "apps/archive/mails.py", "apps/contact/mails.py", "apps/drafts/mails.py", "apps/inbound/mails.py",
    "apps/moderation/mails.py", "apps/notifications/mail/mails.py",
    "kwippy/doctor/daily.py", "kwippy/doctor/smtp_dialogue.py", "kwippy/observability/error_mail.py",
}  # fmt: skip


def sent() -> dict[str, EmailMessage]:
    """Each mail by its name, as sent."""
    return {
        name: message_from_bytes(render(mail).body, policy=policy.default)
        for source in SOURCES
        for name, mail in source()
    }


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None, kind
    return str(body.get_content())


def kinds() -> Iterator[str]:
    """The mails that any installed app has templates for. (Django's own reset is not in our URL map.)"""
    for folder in (settings.BASE_DIR / "templates", *get_app_template_dirs("templates")):
        for path in Path(folder).rglob("*_subject.txt"):
            # allauth's templates lie in one folder for all of its apps, installed or not.
            of = path.parent.parent.name if path.parent.name == "email" else ""
            if path.parent.name != "registration" and (not of or apps.is_installed(f"allauth.{of}")):
                yield path.name.removesuffix("_subject.txt")


@pytest.fixture
def mails() -> dict[str, EmailMessage]:
    return sent()


def test_every_mail_has_a_sample(mails: dict[str, EmailMessage]) -> None:
    found = set(kinds())
    assert {"password_changed", "contact_sender"} <= found
    assert set(mails) == found


def test_mails_are_created_in_few_places() -> None:
    """A mail created elsewhere would have no sample and no check."""
    # Only the function: the adapter's method uses its `render_mail`.
    function = r"(?<!def )(?<!\.)\b(?:send_mail|send_mass_mail|mail_admins)\("
    makes = re.compile(rf"\b(?:EmailMessage|EmailMultiAlternatives)\(|{function}")
    found = {
        str(path.relative_to(settings.BASE_DIR))
        for folder in ("apps", "kwippy")
        for path in (settings.BASE_DIR / folder).rglob("*.py")
        if "tests" not in path.parts and "testing" not in path.parts and makes.search(path.read_text())
    }
    # The adapter's mails use its `render_mail`, as allauth's do; the queue renders all others.
    others = {"apps/commandqueue/mail/rendering.py", "apps/commandqueue/mail/headers.py"}
    assert found - others - {"apps/accounts/adapter.py", "apps/accounts/pending_sign_up.py"} == MAKERS


def test_every_mail_says_that_no_person_wrote_it(mails: dict[str, EmailMessage]) -> None:
    said = {name: mail["Auto-Submitted"] for name, mail in mails.items()}
    answers = dict.fromkeys(("contact_sender", "mail_refused", "mail_without_pictures"), "auto-replied")
    assert said == dict.fromkeys(mails, "auto-generated") | answers


def test_every_mail_has_both_parts_and_headers_of_one_line(mails: dict[str, EmailMessage]) -> None:
    for name, mail in mails.items():
        assert mail.get_content_type() == "multipart/alternative", name
        text, html = part(mail, "plain"), part(mail, "html")
        assert "</html>" in html, name
        for value in mail.values():
            assert is_one_line(str(value)), name
        for line in text.splitlines():
            assert len(line) <= 72 or " " not in line.strip(), (name, line)


def test_codes_addresses_and_what_happened_stand_in_both_parts(mails: dict[str, EmailMessage]) -> None:
    facts = ("TEA-POT", "ann@example.net", "2001:db8::1", "firefox on linux", "UTC", "@ann")
    told: set[str] = set()
    for name, mail in mails.items():
        text, html = part(mail, "plain"), part(mail, "html")
        for fact in facts:
            assert (fact in text) == (fact in html), (name, fact)
            told |= {fact} if fact in text else set()
    assert told == set(facts)


def test_a_notification_links_to_the_way_to_undo_it(mails: dict[str, EmailMessage]) -> None:
    for name in HAPPENED:
        for kind in ("plain", "html"):
            content = part(mails[name], kind)
            for path in ("/accounts/password/reset/", "/contact/"):
                assert settings.SITE_URL + path in content, (name, kind)
            assert re.search(r"\d{1,2} [a-z]{3} \d{4}, \d\d:\d\d UTC", content), (name, kind)
            assert "firefox on linux" in content, (name, kind)
            assert "Mozilla" not in content, (name, kind)


@pytest.mark.django_db
def test_what_is_really_sent_is_what_the_samples_show(client: Client, settings) -> None:
    settings.MAILERS = {
        "default": {
            "BACKEND": "apps.commandqueue.mail.backend.QueueEmailBackend",
            "OPTIONS": {"mailer": "direct"},
        },
        "direct": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"},
    }
    password = "seven green teapots"
    form = {"username": "eve", "email": "eve@example.org", "password1": password, "password2": password}
    client.post("/accounts/signup/", form)
    client.post("/accounts/password/reset/", {"email": "nobody@example.org"})
    rows = [
        message_from_bytes(bytes(row.body or b""), policy=policy.default)
        for row in Command.objects.order_by("pk")
    ]
    assert [mail["Auto-Submitted"] for mail in rows] == ["auto-generated"] * 2
    assert all(part(mail, "plain") and part(mail, "html") for mail in rows)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("short\n\n  indented", ["short", "", "  indented"]),
        ("word " * 30, None),
        ("  " + "word " * 30, None),
        ("see https://kwippy.example/" + "x" * 100 + " for it", None),
        ("x" * 100, ["x" * 100]),
    ],
)
def test_wrapping_loses_no_word_and_breaks_no_link(text: str, lines: list[str] | None) -> None:
    made = wrapped(text).split("\n")
    assert lines is None or made == lines
    assert " ".join(made).split() == text.split()
    assert all(len(line) <= 72 or " " not in line.strip() for line in made)
    assert len({len(line) - len(line.lstrip()) for line in made if line}) == 1 or lines
