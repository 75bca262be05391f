"""What a mail becomes, and what it does not."""

import datetime
import uuid

import pytest
from django.core import mail
from django.utils import timezone

from apps.accounts.models import User
from apps.graph import blocking
from apps.inbound import actions, addresses, receiving
from apps.inbound.addresses import Reply
from apps.inbound.models import SecretAddress, SeenMail
from apps.inbound.receiving import Outcome
from apps.inbound.tests.composing import composed, sent
from apps.kwips import actions as kwips
from apps.kwips.models import Kwip, Track
from apps.limits.models import RateLimitWindow

pytestmark = pytest.mark.django_db(transaction=True)


def reply_to(person: User, thread: Kwip, *, answers: Kwip | None = None, days: int = 3) -> str:
    last_day = timezone.now().date() + datetime.timedelta(days=days)
    reply = Reply(person.pk, thread.pk, answers.pk if answers else 0, last_day)
    return addresses.of_token(addresses.reply_token(reply))


def texts() -> list[str]:
    return list(Kwip.objects.order_by("pk").values_list("text", flat=True))


def test_a_mail_to_the_secret_address_becomes_a_kwip(ann: User, secret: str) -> None:
    assert sent(secret, "it's raining\n\n-- \nann, from the train\n") is Outcome.PUBLISHED
    kwip = Kwip.objects.get()
    assert (kwip.text, kwip.author_id, kwip.thread_id) == ("it's raining", ann.pk, None)
    address = SecretAddress.objects.get()
    assert address.used_at is not None
    assert not mail.outbox


def test_the_subject_is_the_text_of_a_mail_without_one(secret: str) -> None:
    sent(secret, "\n", Subject="tea at five")
    sent(secret, "a text", Subject="is not used then")
    assert texts() == ["tea at five", "a text"]


@pytest.mark.parametrize("is_private", [False, True])
def test_who_may_read_it_is_as_the_account_says(ann: User, secret: str, is_private: bool) -> None:
    User.objects.filter(pk=ann.pk).update(is_private=is_private)
    sent(secret)
    assert Kwip.objects.get().followers_only is is_private


def test_mail_servers_that_write_the_address_in_capitals_reach_it(secret: str) -> None:
    assert sent(secret.upper()) is Outcome.PUBLISHED


def test_the_envelope_says_to_whom_it_came(secret: str) -> None:
    raw = composed("friends@example.org")
    assert receiving.receive(raw) is Outcome.UNKNOWN
    assert receiving.receive(raw, recipient=secret) is Outcome.PUBLISHED
    assert sent("friends@example.org", "once more", Delivered_To=secret) is Outcome.PUBLISHED


def test_a_mail_is_published_once_however_often_it_comes(secret: str) -> None:
    raw = composed(secret)
    outcomes = [receiving.receive(raw) for _ in range(3)]
    assert outcomes == [Outcome.PUBLISHED, Outcome.REPEATED, Outcome.REPEATED]
    assert len(texts()) == 1


def test_a_mail_that_was_published_by_a_killed_process_is_not_published_again(secret: str) -> None:
    raw = composed(secret)
    receiving.receive(raw)
    SeenMail.objects.all().delete()  # killed before it was recorded
    receiving.receive(raw)
    assert len(texts()) == 1


def test_a_kwip_that_was_deleted_does_not_come_back_with_its_mail(secret: str) -> None:
    raw = composed(secret)
    receiving.receive(raw)
    kwips.delete(kwip=Kwip.objects.get())
    SeenMail.objects.all().delete()
    assert receiving.receive(raw) is Outcome.REPEATED
    assert texts() == []


def test_the_message_id_of_somebody_else_hides_no_mail(secret: str, bob: User) -> None:
    bobs = actions.switch_on(user=bob, form_key=uuid.uuid4(), tell=lambda owner: None)
    assert sent(bobs, message_id="<one@example.org>") is Outcome.PUBLISHED
    assert sent(secret, message_id="<one@example.org>") is Outcome.PUBLISHED


def test_mails_without_a_message_id_are_told_apart_by_their_bytes(secret: str) -> None:
    for text in ("one", "two", "two"):
        receiving.receive(composed(secret, text, message_id="<>").replace(b"Subject: hello", b"Subject: hi"))
    assert texts() == ["one", "two"]


def test_a_renewed_or_a_switched_off_address_leads_nowhere(ann: User, secret: str) -> None:
    renewed = actions.switch_on(user=ann, form_key=uuid.uuid4(), tell=lambda owner: None)
    assert renewed != secret
    assert sent(secret) is Outcome.UNKNOWN
    assert sent(renewed) is Outcome.PUBLISHED
    actions.switch_off(user=ann)
    assert sent(renewed, "again") is Outcome.UNKNOWN


def test_an_answer_to_a_notice_becomes_a_comment(ann: User, bob: User, publish, comment) -> None:
    thread = publish(author=ann, text="who has seen the kettle?")
    said = comment(author=bob, thread=thread, text="it is on the stove")
    text = "so it is!\n\nOn Fri, Nov 27, 2026 at 9:00, kwippy <k@example.org> wrote:\n> it is on the stove\n"
    assert sent(reply_to(ann, thread, answers=said), text, Subject="Re: a kettle") is Outcome.COMMENTED
    made = Kwip.objects.get(author=ann, thread=thread)
    assert (made.text, made.answers_id) == ("so it is!", said.pk)


def test_an_answer_keeps_whether_its_author_tracks_the_conversation(ann: User, bob: User, publish) -> None:
    for is_on in (True, False):
        thread = publish(author=ann, text=f"a kettle {is_on}")
        Track.objects.create(user=bob, kwip=thread, is_on=is_on)
        sent(reply_to(bob, thread), "where?", sender="bob@example.org")
        assert Track.objects.get(user=bob, kwip=thread).is_on is is_on


def test_only_the_member_answers_from_their_own_address(ann: User, bob: User, publish) -> None:
    thread = publish(author=bob)
    address = reply_to(ann, thread)
    assert sent(address, sender="mallory@example.org") is Outcome.SPOOFED
    assert sent(address, sender="bob@example.org") is Outcome.SPOOFED
    assert sent(address, sender="Ann@Example.org") is Outcome.COMMENTED
    assert not mail.outbox


def test_an_address_for_answers_is_for_one_conversation_and_ends(ann: User, bob: User, publish) -> None:
    thread, other = publish(author=bob), publish(author=bob)
    assert sent(reply_to(ann, thread, days=-1)) is Outcome.UNKNOWN
    token = addresses.token_of(reply_to(ann, thread))
    for place in range(1, len(token)):
        changed = token[:place] + ("a" if token[place] != "a" else "b") + token[place + 1 :]
        reply = addresses.reply_of(changed)
        # The last letter may have bits that stand for nothing.
        assert reply is None or (place == len(token) - 1 and reply == addresses.reply_of(token))
    assert sent(reply_to(ann, thread)) is Outcome.COMMENTED
    assert not other.comments.exists()


def test_the_answer_passes_the_checks_of_the_page(ann: User, bob: User, publish) -> None:
    thread = publish(author=bob)
    address = reply_to(ann, thread)
    blocking.block(blocker=bob, blocked=ann)
    assert sent(address) is Outcome.REFUSED
    blocking.unblock(blocker=bob, blocked=ann)
    kwips.delete(kwip=thread)
    assert sent(address) is Outcome.REFUSED
    assert not Kwip.objects.exists()
    [told] = mail.outbox
    assert told.to == ["ann@example.org"]
    assert "this kwip was deleted." in told.body


@pytest.mark.parametrize("scope", ["publish", "mail_in", "new_account_links"])
def test_the_limits_of_the_page_hold_for_mails(secret: str, settings, scope: str) -> None:
    settings.LIMITS = {**settings.LIMITS, scope: "1/1h"}
    assert sent(secret, "see https://one.example/") is Outcome.PUBLISHED
    assert sent(secret, "see https://two.example/") is Outcome.REFUSED
    assert len(texts()) == 1
    assert len(mail.outbox) == 1


def test_a_member_hears_once_a_day_why_their_mail_was_refused(secret: str) -> None:
    for _ in range(3):
        assert sent(secret, "", Subject="") is Outcome.REFUSED
    [told] = mail.outbox
    assert told.to == ["ann@example.org"]
    assert "say something first" in told.body
    assert told.extra_headers["Auto-Submitted"] == "auto-replied"


def test_the_mail_that_says_why_stands_beside_the_one_it_is_about(secret: str) -> None:
    sent(secret, "", Subject="", message_id="<one@example.org>")
    assert mail.outbox[0].extra_headers["In-Reply-To"] == "<one@example.org>"


def test_no_refusal_goes_to_whom_the_mail_says_it_is_from(secret: str) -> None:
    sent(secret, "", Subject="", sender="victim@example.org")
    assert [told.to for told in mail.outbox] == [["ann@example.org"]]


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"List_Id": "<kettles.example.org>"},
        {"Return_Path": "<>"},
        {"X_Autoreply": "yes"},
        {"sender": "MAILER-DAEMON@example.org"},
    ],
)
def test_what_no_person_wrote_is_neither_published_nor_answered(secret: str, headers: dict[str, str]) -> None:
    assert sent(secret, "", Subject="", **headers) is Outcome.AUTOMATIC
    assert sent(secret, "i am away", **headers) is Outcome.AUTOMATIC
    assert (texts(), mail.outbox) == ([], [])


def test_a_bounce_is_known_by_its_envelope(secret: str) -> None:
    assert receiving.receive(composed(secret), envelope_sender="") is Outcome.AUTOMATIC


def test_the_sites_own_mail_comes_to_nothing_when_it_comes_back(secret: str) -> None:
    sent(secret, "", Subject="")
    assert sent(secret, "", Auto_Submitted=mail.outbox[0].extra_headers["Auto-Submitted"]) is (
        Outcome.AUTOMATIC
    )


def test_who_is_switched_off_posts_nothing_and_gets_nothing(ann: User, secret: str) -> None:
    User.objects.filter(pk=ann.pk).update(is_active=False)
    assert sent(secret) is Outcome.SWITCHED_OFF
    assert sent(secret, "", Subject="") is Outcome.SWITCHED_OFF
    assert (texts(), mail.outbox) == ([], [])


def test_without_the_setting_nothing_is_received(secret: str, settings) -> None:
    settings.INBOUND_ADDRESS = ""
    assert sent(secret) is Outcome.UNKNOWN


def test_a_mail_that_is_too_large_is_refused_and_its_sender_told(secret: str) -> None:
    raw = composed(secret) + b"a" * (10 * 1024 * 1024)
    assert receiving.receive(raw) is Outcome.REFUSED
    assert "10 megabytes" in mail.outbox[0].body


def test_a_text_that_is_too_long_is_refused_whole(secret: str) -> None:
    assert sent(secret, "tea " * 30_000) is Outcome.REFUSED
    assert texts() == []


def test_what_was_read_is_forgotten_after_a_month(secret: str) -> None:
    sent(secret, "one")
    SeenMail.objects.update(seen_at=timezone.now() - datetime.timedelta(days=31))
    sent(secret, "two")
    assert actions.sweep() == 1
    assert SeenMail.objects.count() == 1


def test_the_database_has_no_address_in_it(secret: str) -> None:
    token = addresses.token_of(secret)
    stored = str(list(SecretAddress.objects.values()))
    assert token not in stored
    assert SecretAddress.objects.get().token_hash == addresses.hash_of(token)
    sent(secret, message_id="<private@example.org>")
    assert "private" not in str(list(SeenMail.objects.values()))
    assert RateLimitWindow.objects.filter(scope="mail_in").exists()
