"""The pictures of a mail."""

import io
from email import message_from_bytes, policy

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from apps import limits
from apps.accounts.models import User
from apps.inbound import receiving
from apps.inbound.models import SeenMail
from apps.inbound.receiving import Outcome
from apps.inbound.tests.composing import composed
from apps.kwips.attaching import pictures_of
from apps.kwips.models import Kwip
from apps.pictures import actions as pictures
from apps.pictures.models import Picture

pytestmark = pytest.mark.django_db(transaction=True)


def picture(color: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (60, 40), color).save(file, "PNG")
    return file.getvalue()


def with_pictures(to: str, *contents: bytes, text: str = "look") -> bytes:
    message = message_from_bytes(composed(to, text), policy=policy.default)
    for number, content in enumerate(contents):
        message.add_attachment(content, maintype="image", subtype="png", filename=f"{number}.png")
    return message.as_bytes()


def test_attached_pictures_are_those_of_the_kwip_in_their_order(secret: str) -> None:
    assert (
        receiving.receive(with_pictures(secret, picture("#ff0000"), picture("#0000ff"))) is Outcome.PUBLISHED
    )
    kwip = Kwip.objects.get()
    assert kwip.text == "look"
    first, second = pictures_of(kwip.pk)
    assert first.color > second.color
    assert not mail.outbox


def test_the_pictures_of_a_mail_that_is_attached_are_not_published(secret: str) -> None:
    message = message_from_bytes(with_pictures(secret, picture("#ff0000")), policy=policy.default)
    forwarded = with_pictures("bob@example.org", picture("#0000ff"), text="for you alone")
    message.add_attachment(message_from_bytes(forwarded, policy=policy.default))
    assert receiving.receive(message.as_bytes()) is Outcome.PUBLISHED
    [published] = pictures_of(Kwip.objects.get().pk)
    assert published.color > "#7f0000"


def test_what_is_no_picture_is_left_out_and_the_member_told(secret: str) -> None:
    raw = with_pictures(secret, b"no picture", *[picture()] * 5)
    assert receiving.receive(raw) is Outcome.PUBLISHED
    assert len(pictures_of(Kwip.objects.get().pk)) == 4
    [told] = mail.outbox
    assert "0.png" in str(told.body)
    assert "room for 4 pictures" in str(told.body)


def test_a_mail_with_pictures_is_published_once_by_a_killed_process_too(secret: str) -> None:
    raw = with_pictures(secret, picture())
    receiving.receive(raw)
    SeenMail.objects.all().delete()
    assert receiving.receive(raw) is Outcome.REPEATED
    assert Kwip.objects.count() == 1


def test_while_too_many_pictures_are_decoded_the_mail_waits(secret: str, monkeypatch) -> None:
    raw = with_pictures(secret, picture())

    def busy(**_: object) -> None:
        raise limits.Busy

    with monkeypatch.context() as patched:
        patched.setattr(pictures, "upload", busy)
        with pytest.raises(limits.Busy):
            receiving.receive(raw)
    assert not Kwip.objects.exists()
    assert receiving.receive(raw) is Outcome.PUBLISHED


@pytest.fixture
def crowded(monkeypatch) -> None:
    """There is room to decode red pictures, and none for others."""
    upload = pictures.upload

    def uploaded(*, owner: User, file: SimpleUploadedFile) -> Picture:
        if file.read() != picture("red"):
            raise limits.Busy
        file.seek(0)
        return upload(owner=owner, file=file)

    monkeypatch.setattr(pictures, "upload", uploaded)


@pytest.mark.usefixtures("crowded")
def test_a_mail_that_waits_counts_no_mail_and_leaves_no_pictures(secret: str, settings) -> None:
    settings.LIMITS = {**settings.LIMITS, "mail_in": "1/1h"}
    raw = with_pictures(secret, picture("red"), picture("blue"))
    for _ in range(3):
        with pytest.raises(limits.Busy):
            receiving.receive(raw)
        assert not Picture.objects.exists()
    assert receiving.receive(composed(secret)) is Outcome.PUBLISHED
    assert not mail.outbox


@pytest.mark.usefixtures("crowded")
def test_a_mail_waits_so_often_then_it_is_published_without_the_picture(secret: str, settings) -> None:
    settings.LIMITS = {**settings.LIMITS, "mail_in_tries": "2/1d"}
    raw = with_pictures(secret, picture("blue"), picture("red"))
    for _ in range(2):
        with pytest.raises(limits.Busy):
            receiving.receive(raw)
    assert receiving.receive(raw) is Outcome.PUBLISHED
    kwip = Kwip.objects.get()
    assert (kwip.text, len(pictures_of(kwip.pk))) == ("look", 1)
    [told] = mail.outbox
    assert "0.png: we couldn't keep it just now" in str(told.body)


def test_the_limit_of_pictures_leaves_the_words(secret: str, settings) -> None:
    settings.LIMITS = {**settings.LIMITS, "picture": "1/1h"}
    assert receiving.receive(with_pictures(secret, picture(), picture())) is Outcome.PUBLISHED
    assert len(pictures_of(Kwip.objects.get().pk)) == 1
    assert len(mail.outbox) == 1
