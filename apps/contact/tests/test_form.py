"""The contact form: accepted and refused input, without losing any of it."""

from html import unescape

import pytest
from django.core import mail
from django.test import Client

from apps.accounts.models import User
from apps.contact.forms import MAX_SECONDS, ContactForm
from apps.contact.models import Message
from apps.contact.tests.form_data import MESSAGE, filled, stamped
from apps.limits.tests.clock import let_pass
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db

TYPED = (MESSAGE["name"], MESSAGE["subject"], "where is the <pot>?")


def send(client: Client, **changes: object):
    return client.post("/contact/", filled(**changes))


def assert_returned(answer, status: int = 422) -> str:
    """Returns the page; it has all input, and nothing was stored or mailed."""
    assert answer.status_code == status
    html = unescape(answer.content.decode())
    for typed in TYPED:
        assert typed in html
    assert not Message.objects.exists()
    assert mail.outbox == []
    return html


def test_a_message_is_stored_acknowledged_and_mailed(client: Client) -> None:
    answer = send(client)
    assert (answer.status_code, answer["Location"]) == (302, "/contact/thanks/")
    assert "thank you" in client.get("/contact/thanks/").content.decode()
    message = Message.objects.get()
    assert (message.name, message.email, message.subject) == ("Ann O'Tea", "ann@example.org", "the kettle")
    assert message.text == "where is the <pot>?\n\nann"
    assert message.member is None
    assert [m.to for m in mail.outbox] == [["operators@kwippy.example"], ["ann@example.org"]]


def test_a_member_finds_name_and_address_filled_in(client: Client) -> None:
    ann = User.objects.create_user("ann", "ann@example.org", display_name="Ann O'Tea")
    client.force_login(ann)
    html = unescape(client.get("/contact/").content.decode())
    assert 'value="Ann O\'Tea"' in html
    assert 'value="ann@example.org"' in html
    send(client)
    assert Message.objects.get().member == ann


def test_the_page_is_not_cached_and_every_page_links_to_it(client: Client) -> None:
    assert client.get("/contact/")["Cache-Control"] == "private, no-store"
    assert 'href="/contact/"' in client.get("/about/").content.decode()


@pytest.mark.parametrize("field", ["name", "email", "subject", "text"])
def test_every_field_is_required(client: Client, field: str) -> None:
    answer = send(client, **{field: " \t "})
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {field}
    assert 'aria-invalid="true"' in answer.content.decode()
    assert not Message.objects.exists()


@pytest.mark.parametrize("field", ["name", "email", "subject"])
@pytest.mark.parametrize(
    "ending",
    [
        "\nBcc: eve@example.org",
        "\r\nBcc: eve@example.org",
        "\rBcc:x",
        "\u2028x",
        "\u2029x",
        "\x85x",
        "\x0bx",
        "\x00x",
    ],
)
def test_header_injection_is_refused(client: Client, field: str, ending: str) -> None:
    answer = send(client, **{field: str(MESSAGE[field]) + ending})
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {field}
    assert mail.outbox == []


@pytest.mark.parametrize(
    "address",
    [
        "ann", "ann@", "@example.org", "ann@localhost", "root@[127.0.0.1]", "ann@[::1]", "ann@℀.org",
        "ann@" + "ä" * 60 + ".org", "ann@example.org, eve@example.org", "Ann <ann@example.org>", "a@b@c.org",
        "ann@exa mple.org", "ann@-a-.org", "a" * 250 + "@example.org",
    ],
)  # fmt: skip
def test_an_undeliverable_address_shows_the_error_beside_the_field(client: Client, address: str) -> None:
    answer = send(client, email=address)
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"email"}


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("ann@exämple.org", "ann@xn--exmple-cua.org"), (" Ann+tea@Example.ORG ", "Ann+tea@Example.ORG")],
)
def test_other_alphabets_and_tags_are_addresses_too(client: Client, typed: str, stored: str) -> None:
    assert send(client, email=typed).status_code == 302
    assert Message.objects.get().email == stored


@pytest.mark.parametrize("field", ["name", "subject", "text"])
@pytest.mark.parametrize("text", ["x" * 20_000, "a\x00b", "a\ud800b"], ids=["too long", "NUL", "half a pair"])
def test_invalid_text_shows_the_error_beside_the_field(field: str, text: str) -> None:
    assert set(ContactForm(filled(**{field: text})).errors) == {field}


def test_a_form_sent_too_soon_must_be_sent_again(client: Client) -> None:
    key = stamped(0)
    assert "that was quick" in assert_returned(send(client, form_key=key))
    assert send(client, form_key=stamped(30)).status_code == 302


def test_the_honeypot_is_visible_once_it_is_filled_in(client: Client) -> None:
    assert 'class="sr" aria-hidden="true"' in client.get("/contact/").content.decode()
    html = assert_returned(send(client, website="https://spam.example"))
    assert 'aria-hidden="true"><div class="field"' not in html.replace("\n", "")
    assert "leave it empty" in html


@pytest.mark.parametrize("key", ["", "nonsense", "0:0:0", "yesterday's"])
def test_an_expired_or_missing_form_key_is_replaced(client: Client, key: str) -> None:
    key = stamped(MAX_SECONDS + 60) if key == "yesterday's" else key
    answer = send(client, form_key=key)
    assert_returned(answer)
    fresh = answer.context["form"]["form_key"].value()
    assert fresh != key
    assert "that was quick" in assert_returned(send(client, form_key=fresh)), "the new key is valid"


def test_an_empty_form_is_a_422(client: Client) -> None:
    assert client.post("/contact/").status_code == 422


def test_a_message_sent_twice_is_one(client: Client) -> None:
    form = filled()
    answers = [client.post("/contact/", form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert Message.objects.count() == 1
    assert len(mail.outbox) == 2


@pytest.mark.django_db(transaction=True)
def test_a_message_sent_ten_times_at_once_is_one() -> None:
    form = filled()
    answers = at_once([lambda: Client().post("/contact/", form).status_code] * 10, threads=10)
    assert answers == [302] * 10
    assert Message.objects.count() == 1
    assert len(mail.outbox) == 2


def test_a_rate_limited_message_stays_in_the_form(client: Client, settings) -> None:
    settings.LIMITS = settings.LIMITS | {"contact": "2/1h"}
    sent = filled()
    for form in (filled(), sent):
        assert client.post("/contact/", form).status_code == 302
    refused = filled(text="the <last> one")
    answer = client.post("/contact/", refused, headers={"x-forwarded-for": "8.8.8.8"})
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 3000
    assert "the <last> one" in unescape(answer.content.decode())
    assert Message.objects.count() == 2
    assert client.post("/contact/", sent).status_code == 302, "a stored message is not refused"
    assert Client(REMOTE_ADDR="198.51.100.7").post("/contact/", filled()).status_code == 302
    let_pass(3601)
    assert client.post("/contact/", refused).status_code == 302


def test_a_cross_site_request_is_refused_and_keeps_the_text() -> None:
    answer = Client(enforce_csrf_checks=True).post("/contact/", filled())
    assert_returned(answer, status=403)
