"""The mails about a message: their contents, recipients and limits."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from django.core import mail
from django.test import Client

from apps.accounts.models import User
from apps.contact.models import Message
from apps.contact.tests.form_data import filled

pytestmark = pytest.mark.django_db


def sent(client: Client, **changes: object) -> list[EmailMessage]:
    """The mails of one message, parsed."""
    assert client.post("/contact/", filled(**changes)).status_code == 302
    return [message_from_bytes(m.message().as_bytes(), policy=policy.default) for m in mail.outbox]


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return body.get_content()


@pytest.mark.parametrize(
    "name",
    [
        "Ann", "Ann O'Tea", 'Ann "the kettle", of <tea@example.net>', "Ünï Çødé 🫖",
        "eve@evil.example, ann", "x" * 80, "🫖" * 80, "Ann \\",
        "(comment) Ann;:", "אן",
    ],
)  # fmt: skip
def test_a_reply_goes_to_the_sender_alone_whatever_the_name(client: Client, name: str) -> None:
    operators = sent(client, name=name)[0]
    [address] = operators["Reply-To"].addresses
    assert address.addr_spec == "ann@example.org"
    assert [a.addr_spec for a in operators["To"].addresses] == ["operators@kwippy.example"]
    assert "example.org" not in operators["From"], "only the site itself may send as the site"
    assert operators["Bcc"] is None


@pytest.mark.parametrize(
    "subject", ["the kettle", "x" * 150, "🫖" * 150, "Re: 1 =? 2", "a\tb".replace("\t", " ")]
)
def test_the_operators_receive_the_message(client: Client, subject: str) -> None:
    operators = sent(client, subject=subject, text="1 < 2 & <b>3</b>\n\nhttp://x.example")[0]
    for kind in ("plain", "html"):
        assert part(operators, kind)
    assert "1 < 2 & <b>3</b>\n\nhttp://x.example" in part(operators, "plain")
    assert "1 &lt; 2 &amp; &lt;b&gt;3&lt;/b&gt;<br><br>http://x.example" in part(operators, "html")
    message = Message.objects.get()
    assert message.subject == subject
    assert f"/admin/contact/message/{message.pk}/change/" in part(operators, "plain")


def test_the_mail_names_the_signed_in_user(client: Client) -> None:
    client.force_login(User.objects.create_user("bob", "bob@example.org"))
    assert "@bob" in part(sent(client)[0], "plain")


def test_the_acknowledgement_contains_no_text_of_the_sender(client: Client) -> None:
    words = {"name": "BUY PILLS", "subject": "CHEAP PILLS", "text": "PILLS http://pills.example"}
    answer = sent(client, **words)[1]
    assert [a.addr_spec for a in answer["To"].addresses] == ["ann@example.org"]
    assert "pills" not in answer.as_string().lower()
    assert "pills" not in (part(answer, "plain") + part(answer, "html")).lower()
    assert answer["Auto-Submitted"] == "auto-replied"
    assert answer["Reply-To"] is None


def test_acknowledgements_to_one_address_are_limited(client: Client) -> None:
    for n in range(5):
        client.post("/contact/", filled(email="victim@example.org" if n % 2 else "Victim@example.org"))
    assert Message.objects.count() == 5
    recipients = [m.to[0].lower() for m in mail.outbox]
    assert recipients.count("victim@example.org") == 3
    assert recipients.count("operators@kwippy.example") == 5


def test_without_contact_email_the_message_is_in_the_admin_only(client: Client, settings) -> None:
    settings.CONTACT_EMAIL = ""
    assert [m["To"] for m in sent(client)] == ["ann@example.org"]
    client.force_login(User.objects.create_superuser("olga", "olga@example.org", "a long password"))
    assert "the kettle" in client.get("/admin/contact/message/").content.decode()
    address = f"/admin/contact/message/{Message.objects.get().pk}/change/"
    page = client.get(address).content.decode()
    assert re.search(r'href="mailto:ann@example.org\?subject=Re%3A%20the%20kettle"', page)
    client.post(address, {"is_handled": "on", "text": "changed"})
    message = Message.objects.get()
    assert message.is_handled
    assert "pot" in message.text, "the admin does not change the text"
