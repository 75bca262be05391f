"""A note before a kwip: its text is nowhere but behind it, on one's own click."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from apps.accounts.models import User
from apps.feeds import side
from apps.kwips import actions, composing, queries
from apps.kwips.forms import EditForm, KwipForm
from apps.kwips.models import Kwip, Revision
from apps.kwips.previewing import of as preview_of

type Publish = Callable[..., Kwip]
SECRET, NOTE = "the butler did it", "how the book ends"


def form(**fields: Any) -> KwipForm:
    filled = KwipForm({"text": "tea", **fields})
    filled.is_valid()
    return filled


def cleaned(**fields: Any) -> dict[str, Any]:
    filled = form(**fields)
    assert filled.is_valid(), filled.errors
    return filled.cleaned_data


@pytest.fixture
def noted(ann: User, publish: Publish) -> Kwip:
    return publish(ann, f"{SECRET} #crime", content_note=NOTE)


def test_a_card_folds_the_text_behind_the_note_and_all_pages_do(client: Client, noted: Kwip) -> None:
    for path in ("/everyone/", "/ann/", f"/ann/kwip/{noted.pk}/", "/tag/crime/", "/"):
        html = client.get(path).content.decode()
        if path == "/" and SECRET not in html:
            continue  # the landing page shows another kwip
        before, _, behind = html.partition('<details class="noted">')
        assert SECRET not in before, path
        assert f'dir="auto">{NOTE}</summary>' in behind.replace(' class="p-summary"', "")
        assert SECRET in behind.partition("</details>")[0]


def test_the_head_of_its_page_has_the_note_alone(client: Client, noted: Kwip) -> None:
    head = client.get(f"/ann/kwip/{noted.pk}/").content.decode().partition("</head>")[0]
    assert NOTE in head
    assert SECRET not in head
    [card] = queries.cards([queries.visible_kwip(noted.pk, None).visible])  # type: ignore[union-attr]
    assert (card.excerpt, card.preview) == (NOTE, NOTE)


def test_a_feed_has_the_note_as_summary_and_no_text(client: Client, noted: Kwip) -> None:
    document = client.get("/everyone/feed.atom").content.decode()
    assert f'<summary type="text">{NOTE}</summary>' in document
    assert f"<title>{NOTE}</title>" in document
    assert SECRET not in document
    assert f"/ann/kwip/{noted.pk}/" in document


def test_a_feed_of_formatted_texts_has_html(client: Client, ann: User, publish: Publish) -> None:
    publish(ann, "*so*\n> said she")
    document = client.get("/everyone/feed.atom").content.decode()
    assert "&lt;em&gt;so&lt;/em&gt;" in document
    assert "&lt;blockquote&gt;" in document
    assert "<title>so said she</title>" in document


def test_comments_and_notices_and_mail_quote_the_note(
    client: Client, ann: User, bob: User, noted: Kwip, comment: Callable[..., Kwip]
) -> None:
    comment(bob, noted, "no way!")
    client.force_login(bob)
    comments = client.get("/bob/comments/").content.decode()
    assert NOTE in comments
    assert SECRET not in comments
    client.force_login(ann)
    notices = client.get("/notifications/").content.decode()
    assert NOTE in notices
    assert SECRET not in notices


def test_who_is_mentioned_behind_a_note_is_told_the_note(
    client: Client, ann: User, bob: User, publish: Publish
) -> None:
    publish(ann, f"{SECRET} @bob", content_note=NOTE)
    client.force_login(bob)
    page = client.get("/notifications/").content.decode()
    assert SECRET not in page
    assert all(SECRET not in str(message.message()) for message in mail.outbox)


def test_the_side_names_a_conversation_by_its_note(
    ann: User, bob: User, noted: Kwip, comment: Callable[..., Kwip]
) -> None:
    comment(bob, noted, "no way!")
    talks = side.side(ann.pk)["talks"]
    assert [talk.words for talk in talks] == [NOTE]


def test_words_of_the_note_are_found_and_muted(client: Client, ann: User, bob: User, noted: Kwip) -> None:
    client.force_login(bob)
    found = client.get("/search/?q=ends").content.decode()
    assert f"kwip-{noted.pk}" in found
    assert f"kwip-{noted.pk}" in client.get("/everyone/").content.decode()
    assert (
        client.post("/settings/mutes/", {"word": "ends", "until": "ever", "how": "silenced"}).status_code
        == 302
    )
    assert f"kwip-{noted.pk}" not in client.get("/everyone/").content.decode()


def test_another_note_or_format_is_another_kwip_and_a_second_click_none(ann: User) -> None:
    key = str(uuid.uuid4())
    variants = [
        {},
        {"content_note": "a"},
        {"content_note": "b"},
        {"is_plain": "on"},
        {"content_note": "a", "is_plain": "on"},
    ]
    made = [composing.publish(ann, form(form_key=key, **fields)).kwip.pk for fields in variants]
    assert len(set(made)) == len(variants)
    again = [composing.publish(ann, form(form_key=key, **fields)) for fields in variants]
    assert [each.kwip.pk for each in again] == made
    assert not any(each.created for each in again)


def test_the_key_of_a_form_without_them_is_that_of_its_text() -> None:
    key = uuid.uuid4()
    assert cleaned(form_key=str(key))["form_key"] == uuid.uuid5(key, "tea")


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("  how it\nends  ", "how it ends"), ("", ""), ("\u200b", ""), ("x" * 200, "x" * 200)],
)
def test_a_note_is_one_line(typed: str, stored: str) -> None:
    assert cleaned(content_note=typed)["content_note"] == stored


@pytest.mark.parametrize("note", ["x" * 201, "a\0b", "\ud800"])
def test_a_note_that_can_not_be_kept_is_refused_and_given_back(client: Client, ann: User, note: str) -> None:
    assert not form(content_note=note).is_valid()
    client.force_login(ann)
    if note.isprintable():
        answer = client.post("/kwip/", {"text": "my words", "content_note": note})
        assert answer.status_code == 422
        assert note in answer.content.decode()
        assert "my words" in answer.content.decode()
    assert not Kwip.objects.exists()


def test_an_edit_keeps_the_former_note_and_format(ann: User, noted: Kwip) -> None:
    actions.edit(kwip=noted, text=noted.text, content_note="", is_plain=True)
    changed = Kwip.objects.get(pk=noted.pk)
    assert (changed.content_note, changed.is_formatted) == ("", False)
    [former] = Revision.objects.filter(kwip=noted)
    assert (former.content_note, former.is_formatted, former.text) == (NOTE, True, noted.text)
    actions.edit(kwip=noted, text=noted.text, content_note="", is_plain=True)
    actions.edit(kwip=noted, text=noted.text)
    assert Revision.objects.count() == 1


def test_the_form_of_an_edit_has_what_is_stored_and_a_comment_no_note(
    client: Client, ann: User, noted: Kwip, comment: Callable[..., Kwip]
) -> None:
    client.force_login(ann)
    page = client.get(f"/kwip/{noted.pk}/edit/").content.decode()
    assert f'value="{NOTE}"' in page
    fields = {"text": "other words", "content_note": NOTE}
    assert client.post(f"/kwip/{noted.pk}/edit/", fields).status_code == 302
    kept = Kwip.objects.get(pk=noted.pk)
    assert (kept.text, kept.content_note, kept.is_formatted) == ("other words", NOTE, True)
    history = client.get(f"/ann/kwip/{noted.pk}/history/").content.decode()
    assert SECRET not in history.partition('<details class="noted">')[0]
    assert "content_note" not in EditForm.of(comment(ann, noted), None).fields


def test_old_texts_stay_plain_when_they_are_edited(client: Client, ann: User, publish: Publish) -> None:
    old = publish(ann, "*old*", is_plain=True)
    client.force_login(ann)
    assert "checked" in client.get(f"/kwip/{old.pk}/edit/").content.decode()
    client.post(f"/kwip/{old.pk}/edit/", {"text": "*older*", "is_plain": "on"})
    assert not Kwip.objects.get(pk=old.pk).is_formatted


def test_an_account_without_formatting_writes_plain_texts(client: Client, ann: User) -> None:
    client.force_login(ann)
    assert client.post("/settings/writing/", {}).status_code == 302
    client.post("/kwip/", {"text": "*so* `#tea`"})
    kwip = Kwip.objects.get()
    assert not kwip.is_formatted
    assert "*so*" in client.get(f"/ann/kwip/{kwip.pk}/").content.decode()
    assert client.post("/settings/writing/", {"formats_texts": "on"}).status_code == 302
    client.post("/kwip/", {"text": "*so*"})
    assert Kwip.objects.latest("pk").is_formatted


def test_what_was_taken_back_has_its_note(client: Client, ann: User) -> None:
    client.force_login(ann)
    client.post("/kwip/", {"text": SECRET, "content_note": NOTE, "is_plain": "on"})
    page = client.post(f"/kwip/{Kwip.objects.get().pk}/take-back/").content.decode()
    assert f'value="{NOTE}"' in page
    assert SECRET in page


def test_a_page_of_a_deleted_kwip_returns_the_note(client: Client, ann: User, noted: Kwip) -> None:
    actions.delete(kwip=noted)
    client.force_login(ann)
    page = client.post(f"/kwip/{noted.pk}/edit/", {"text": "my words", "content_note": "my note"})
    assert page.status_code == 410
    assert "my note" in page.content.decode()
    assert "my words" in page.content.decode()


def test_a_preview_shows_the_text_as_it_will_be_and_stores_nothing(
    client: Client, ann: User, bob: User
) -> None:
    client.force_login(ann)
    fields = {"text": "*so* @bob", "content_note": NOTE, "preview": "on", "followers_only": "on"}
    page = client.post("/kwip/", fields).content.decode()
    shown = page[page.index('class="preview"') : page.index("</section>", page.index('class="preview"'))]
    assert "<em>so</em>" in shown
    assert 'href="/bob/"' in shown
    assert NOTE in shown
    assert "*so* @bob</textarea>" in page
    assert not Kwip.objects.exists()
    assert "*so*" in preview_of(cleaned(text="*so*", is_plain="on"), is_formatted=True).html


def test_the_preview_is_limited_and_loses_no_word(client: Client, ann: User, settings: Any) -> None:
    settings.LIMITS = {**settings.LIMITS, "preview_text": "1/m"}
    client.force_login(ann)
    fields = {"text": "my words", "preview": "on"}
    assert client.post("/kwip/", fields).status_code == 200
    refused = client.post("/kwip/", fields)
    assert refused.status_code == 429
    assert "my words" in refused.content.decode()
