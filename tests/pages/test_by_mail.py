"""Post by mail: the page of one's address, and an answer to the mail of a notice."""

import re
import uuid
from collections.abc import Callable
from email.message import EmailMessage

import pytest
from django.core import mail
from django.db import OperationalError
from django.test import Client

from apps.accounts.models import User
from apps.inbound import actions, receiving
from apps.inbound.models import SecretAddress
from apps.inbound.receiving import Outcome
from apps.inbound.tests.composing import sent
from apps.kwips import actions as kwips
from apps.kwips.models import Kwip
from apps.moderation import actions as moderation
from apps.moderation.models import Reason, What
from apps.notifications import preferences
from apps.notifications.mail.now import mail_notices
from apps.notifications.models import Notice
from apps.notifications.registry import Channel
from tests.support.people import PASSWORD, member, minutes_later

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/settings/by-mail/"


def address_on(page: str) -> str:
    found = re.search(r'<textarea id="address"[^>]*>([^<]+)</textarea>', page)
    return found[1] if found else ""


@pytest.fixture
def ann() -> User:
    return member("ann")


@pytest.fixture
def anns(client: Client, ann: User) -> Client:
    """Her browser, where she just typed the password."""
    client.force_login(ann)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    mail.outbox.clear()
    return client


def test_the_address_is_shown_once_and_again_to_a_form_that_is_sent_twice(anns: Client) -> None:
    key = {"form_key": str(uuid.uuid4())}
    first, second = (anns.post(PAGE, key).content.decode() for _ in range(2))
    address = address_on(first)
    assert address.endswith("@in.kwippy.example")
    assert address_on(second) == address
    assert address_on(anns.get(PAGE).content.decode()) == ""
    assert sent(address) is Outcome.PUBLISHED
    assert "the last mail came" in anns.get(PAGE).content.decode()


def test_the_password_is_asked_for_before_an_address_is_made(client: Client, ann: User) -> None:
    client.force_login(ann)
    with minutes_later(16):
        assert client.get(PAGE).status_code == 200
        assert client.post(PAGE).status_code == 403
        client.post(PAGE, {"again-password": "wrong"})
        assert not SecretAddress.objects.exists()
        shown = client.post(PAGE, {"again-password": PASSWORD})
    assert sent(address_on(shown.content.decode())) is Outcome.PUBLISHED


def test_the_owner_is_told_of_each_new_address_and_not_which_it_is(anns: Client) -> None:
    key = {"form_key": str(uuid.uuid4())}
    address, _again = (address_on(anns.post(PAGE, key).content.decode()) for _ in range(2))
    [told] = mail.outbox
    assert told.to == ["ann@example.org"]
    assert f"http://localhost:8000{PAGE}" in str(told.body)
    assert address.partition("@")[0] not in str(told.message())
    anns.post(PAGE)
    assert len(mail.outbox) == 2


def test_no_address_is_made_without_its_mail(ann: User) -> None:
    def fails(owner: User) -> None:
        raise OperationalError

    with pytest.raises(OperationalError):
        actions.switch_on(user=ann, form_key=uuid.uuid4(), tell=fails)
    assert not SecretAddress.objects.exists()


def test_a_new_address_ends_the_former_and_switching_off_ends_it(anns: Client) -> None:
    first, second = (address_on(anns.post(PAGE).content.decode()) for _ in range(2))
    assert first != second
    assert sent(first) is Outcome.UNKNOWN
    assert anns.post(f"{PAGE}off/", follow=True).status_code == 200
    assert sent(second) is Outcome.UNKNOWN
    assert not SecretAddress.objects.exists()


def test_a_page_with_the_address_is_stored_nowhere(anns: Client) -> None:
    assert "no-store" in anns.post(PAGE).headers["Cache-Control"]


def test_addresses_are_made_at_a_pace(anns: Client, settings) -> None:
    settings.LIMITS = {**settings.LIMITS, "mail_address": "1/1d"}
    assert [anns.post(PAGE).status_code for _ in range(2)] == [200, 429]


def test_a_warning_is_read_before_anything_is_posted(ann: User) -> None:
    address = actions.switch_on(user=ann, form_key=uuid.uuid4(), tell=lambda owner: None)
    moderator = User.objects.create_superuser("opera", "opera@example.org", "a long password")
    moderation.act(what=What.WARN, person=ann, by=moderator, reason=Reason.OTHER, words="please")
    mail.outbox.clear()
    assert sent(address) is Outcome.REFUSED
    assert "a moderator wrote to you" in str(mail.outbox[0].body)


@pytest.fixture
def talk(ann: User) -> Callable[[str], EmailMessage]:
    """bob comments ann's kwip; returns the mail that she gets."""
    bob = member("bob")
    thread = kwips.publish(author=ann, text="who has seen the kettle?", form_key=uuid.uuid4()).kwip
    preferences.change(user=ann, channels={"comment": Channel.MAIL}, digest="never", hour=8, time_zone="")

    def commented(text: str) -> EmailMessage:
        kwips.comment(author=bob, thread=thread, text=text, form_key=uuid.uuid4())
        mail.outbox.clear()
        mail_notices.func(list(Notice.objects.filter(channel=Channel.MAIL).values_list("pk", flat=True)))
        [message] = mail.outbox
        return message.message()

    return commented


def test_an_answer_to_the_mail_of_a_notice_stands_in_the_talk(talk: Callable[[str], EmailMessage]) -> None:
    notice = talk("it is on the stove")
    assert "answer this mail" in notice.get_payload()[0].get_payload()  # type: ignore[union-attr,index]
    text = "so it is!\n\nOn Fri, Nov 27, 2026 at 9:00, kwippy wrote:\n> it is on the stove\n"
    assert sent(notice["Reply-To"], text) is Outcome.COMMENTED
    answer = Kwip.objects.get(text="so it is!")
    assert answer.thread is not None
    assert answer.answers is not None
    assert answer.answers.text == "it is on the stove"
    # Who answers was there: the next comment is mailed too.
    assert talk("and hot")["Reply-To"]


def test_the_mail_of_a_notice_comes_back_as_nothing(talk: Callable[[str], EmailMessage]) -> None:
    """An answering machine that sends everything back, or a forwarding rule in a circle."""
    notice = talk("it is on the stove")
    raw = notice.as_bytes()
    assert receiving.receive(raw, recipient=notice["Reply-To"]) is Outcome.AUTOMATIC


def test_without_the_setting_the_mail_of_a_notice_takes_no_answers(
    talk: Callable[[str], EmailMessage], settings
) -> None:
    settings.INBOUND_ADDRESS = ""
    notice = talk("it is on the stove")
    assert notice["Reply-To"] is None
    assert "answer this mail" not in notice.as_string()
