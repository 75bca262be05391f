"""Every code point in every text field, rendered in every kind of document.

Both as forms clean it and as it may be stored uncleaned, for example by an operator.
"""

import datetime
from email import message_from_bytes, policy
from typing import Any
from xml.etree import ElementTree

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from apps.accounts.forms import ProfileForm
from apps.accounts.models import User
from apps.contact.forms import ContactForm
from apps.contact.mails import for_operators
from apps.contact.models import Message
from apps.feeds.atom import Document
from apps.kwips.forms import KwipForm
from apps.kwips.models import Kwip, KwipTag, Tag
from apps.kwips.text import to_html
from apps.plaintext import safe

CHUNK = 90_000
# NUL and surrogates: PostgreSQL stores neither, and forms refuse both.
ALL = "".join(chr(point) for point in range(1, 0x110000) if not 0xD800 <= point <= 0xDFFF)
CHUNKS = [ALL[start : start + CHUNK] for start in range(0, len(ALL), CHUNK)]
FORBIDDEN = "a\x01\x0b\x1f\x7f\x9f\ufdd0\ufdef\ufffe\uffff\U0001fffe\U0010ffffb"
ANYTHING = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=50)
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann", "ann@example.org")


@pytest.fixture
def operator(db: None) -> User:
    return User.objects.create_superuser("olga", "olga@example.org", "a long password")


def parsed(document: bytes) -> ElementTree.Element:
    """Raises if it is not well-formed XML."""
    return ElementTree.fromstring(document)


def checked(page: bytes) -> None:
    """Raises if an HTML parser would report a control character or a noncharacter."""
    text = page.decode()
    assert text == safe(text)


def read(mail: EmailMessage) -> None:
    """Raises if Python's parser finds a defect in the mail, or for a character that breaks a document."""
    message = message_from_bytes(mail.message().as_bytes(), policy=policy.default.clone(raise_on_defect=True))
    for header in ("Subject", "Reply-To", "To"):
        assert str(message[header]) == safe(str(message[header]))
        assert "\n" not in str(message[header])
    for kind in ("plain", "html"):
        body = message.get_body((kind,))
        assert body is not None
        content = body.get_content()
        assert content == safe(content)


@pytest.mark.parametrize("chunk", CHUNKS, ids=lambda chunk: f"{ord(chunk[0]):x}")
def test_every_code_point_in_every_element_of_a_document_and_in_a_mail(chunk: str) -> None:
    fields: dict[str, Any] = {"categories": [chunk], "author_name": chunk}
    feed = Document(
        title=chunk, link="http://a.example/", description="", subtitle=chunk, feed_url="http://a.example/f",
        **fields,
    )  # fmt: skip
    now = datetime.datetime.now(datetime.UTC)
    html = to_html(chunk)
    feed.add_item(
        title=chunk, link="http://a.example/1", unique_id="1", pubdate=now, content=html, note=chunk,
        language="und",
        **fields | {"description": None},
    )  # fmt: skip
    root = parsed(feed.writeString("utf-8").encode())
    # XML reads a carriage return as a line feed in an element, and both as a space in an attribute.
    expected = safe(chunk).replace("\r\n", "\n").replace("\r", "\n")
    assert [root.findtext(f"{ATOM}title"), root.findtext(f"{ATOM}entry/{ATOM}title")] == [expected] * 2
    assert root.findtext(f"{ATOM}entry/{ATOM}summary") == expected
    assert root.findtext(f"{ATOM}entry/{ATOM}content") == html.replace("\r", "\n")
    # The HTML of kwips is XML too, except for a tag that HTML does not close.
    parsed(f"<div>{html.replace('<br>', '<br/>')}</div>".encode())
    read(_mail(Message(pk=1, name="Ann", email="ann@example.org", subject="all", text=chunk)))


def _mail(message: Message) -> EmailMessage:
    mail = for_operators(message)
    mail.to = ["operators@kwippy.example"]
    return mail


@given(name=ANYTHING, subject=ANYTHING, text=ANYTHING)
@example(name=FORBIDDEN, subject=FORBIDDEN, text=FORBIDDEN)
@example(name="a\r\nBcc: b@example.org", subject="a\r\nBcc: b@example.org", text="\r\n.\r\n")
def test_any_name_and_subject_in_a_mail(name: str, subject: str, text: str) -> None:
    read(_mail(Message(pk=1, name=name, email="ann@example.org", subject=subject, text=text)))


@pytest.mark.asvs("1.1.2", "1.2.1")
@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(text=ANYTHING, name=ANYTHING, bio=ANYTHING, tag=ANYTHING)
@example(text=FORBIDDEN, name=FORBIDDEN, bio=FORBIDDEN, tag=FORBIDDEN)
def test_anything_stored_in_every_document(
    client: Client, ann: User, text: str, name: str, bio: str, tag: str
) -> None:
    User.objects.filter(pk=ann.pk).update(display_name=name, bio=bio)
    Kwip.objects.filter(author=ann).delete()
    kwip = Kwip.objects.create(author=ann, text=text)
    KwipTag.objects.create(tag=Tag.objects.get_or_create(name=tag)[0], kwip=kwip)
    for path in ("/everyone/feed.atom", "/ann/feed.atom"):
        root = parsed(client.get(path).content)
        assert len(root.findall(f"{ATOM}entry")) == 1
    for path in ("/ann/", f"/ann/kwip/{kwip.pk}/", "/everyone/"):
        checked(client.get(path).content)


FORMS = [
    (KwipForm, "text", {}),
    (ProfileForm, "display_name", {"bio": ""}),
    (ProfileForm, "bio", {"display_name": ""}),
    (ContactForm, "name", {"email": "a@example.org", "subject": "a", "text": "a"}),
    (ContactForm, "subject", {"email": "a@example.org", "name": "a", "text": "a"}),
    (ContactForm, "text", {"email": "a@example.org", "subject": "a", "name": "a"}),
]


@pytest.mark.asvs("1.3.3", "2.2.1")
@pytest.mark.parametrize(
    ("form_class", "field", "others"), FORMS, ids=[f"{f[0].__name__}.{f[1]}" for f in FORMS]
)
@given(source=ANYTHING)
@example(source="a\ufdd0\ufffe\uffff\U0001fffe\U0010ffffb")
def test_no_form_takes_what_would_break_a_document(form_class, field, others, source: str) -> None:
    form = form_class({**others, field: source})
    form.full_clean()
    kept = form.cleaned_data.get(field, "")
    assert kept == safe(kept).replace("\r", "")


@pytest.mark.django_db
def test_the_admin_takes_none_either(client: Client, ann: User, operator: User) -> None:
    client.force_login(operator)
    answer = client.get(f"/admin/accounts/user/{ann.pk}/change/")
    fields = answer.context["adminform"].form.initial
    data = {key: value for key, value in fields.items() if isinstance(value, str)}
    changed = {**data, "display_name": "a\ufffeb", "bio": "c\uffffd", "is_active": "on"}
    assert client.post(f"/admin/accounts/user/{ann.pk}/change/", changed).status_code == 302
    ann.refresh_from_db()
    assert (ann.display_name, ann.bio) == ("ab", "cd")
