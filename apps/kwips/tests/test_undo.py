""" "take it back": what was just published is deleted, and its words are in the form again."""

import datetime
import uuid
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.kwips import actions, undo
from apps.kwips.models import Kwip

pytestmark = pytest.mark.django_db
BUTTON = 'action="/kwip/{}/take-back/"'


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann", "ann@example.org")


@pytest.fixture
def member(client: Client, ann: User) -> Client:
    client.force_login(ann)
    return client


def write(author: User, text: str = "tea", **options: Any) -> Kwip:
    return actions.publish(author=author, text=text, form_key=uuid.uuid4(), **options).kwip


def test_the_page_after_publishing_has_the_button_and_no_other_page(member: Client) -> None:
    page = member.post("/kwip/", {"text": "half a <thought>"}, follow=True)
    button = BUTTON.format(Kwip.objects.get().pk)
    assert "kwipped :)" in page.content.decode()
    assert button in page.content.decode()
    assert button not in member.get(page.request["PATH_INFO"]).content.decode()


def test_it_is_deleted_and_its_words_are_in_the_form(member: Client, ann: User) -> None:
    kwip = write(ann, "half a <thought>", followers_only=True)
    page = member.post(f"/kwip/{kwip.pk}/take-back/")
    assert not Kwip.objects.exists()
    assert page.status_code == 200
    form = page.content.decode()
    assert "half a &lt;thought&gt;</textarea>" in form
    assert "data-returned" in form
    assert 'name="followers_only" id="id_followers_only" checked' in form
    # A double click, or a reload of that page.
    assert member.post(f"/kwip/{kwip.pk}/take-back/")["Location"] == "/kwip/"
    # The words can be published again: it is another form.
    key = page.context["form"]["form_key"].value()
    assert member.post("/kwip/", {"text": "half a <thought>", "form_key": key}).status_code == 302
    assert Kwip.objects.count() == 1


def test_a_comment_goes_back_below_its_kwip(member: Client, ann: User) -> None:
    thread = write(User.objects.create_user("bob", "bob@example.org"))
    first = actions.comment(author=ann, thread=thread, text="milk?", form_key=uuid.uuid4()).kwip
    fields = {"text": "or two", "answers": str(first.pk)}
    page = member.post(f"/kwip/{thread.pk}/comment/", fields, follow=True)
    made = Kwip.objects.get(text="or two")
    assert BUTTON.format(made.pk) in page.content.decode()
    form = member.post(f"/kwip/{made.pk}/take-back/").content.decode()
    assert not Kwip.objects.filter(pk=made.pk).exists()
    assert f'action="/kwip/{thread.pk}/comment/"' in form
    assert "or two</textarea>" in form
    assert f'name="answers" value="{first.pk}"' in form


def test_what_others_answered_or_what_is_older_is_asked_about_first(member: Client, ann: User) -> None:
    answered, old = write(ann), write(ann)
    actions.comment(author=ann, thread=answered, text="milk?", form_key=uuid.uuid4())
    Kwip.objects.filter(pk=old.pk).update(
        created_at=timezone.now() - undo.MOMENT - datetime.timedelta(seconds=1)
    )
    for kwip in (answered, old):
        answer = member.post(f"/kwip/{kwip.pk}/take-back/")
        assert answer["Location"] == f"/kwip/{kwip.pk}/delete/"
    assert Kwip.objects.count() == 3


def test_only_its_author_takes_it_back(client: Client, ann: User) -> None:
    kwip = write(ann)
    assert client.post(f"/kwip/{kwip.pk}/take-back/").status_code == 403
    client.force_login(User.objects.create_user("bob", "bob@example.org"))
    assert client.post(f"/kwip/{kwip.pk}/take-back/").status_code == 403
    hidden = write(ann, followers_only=True)
    assert client.post(f"/kwip/{hidden.pk}/take-back/").status_code == 404
    assert client.get(f"/kwip/{kwip.pk}/take-back/").status_code == 405
    assert Kwip.objects.count() == 2


def test_a_form_that_a_browser_kept_makes_another_kwip_of_another_text(member: Client) -> None:
    key = str(uuid.uuid4())
    for text in ("tea", "tea", "tea and milk", "tea"):
        assert member.post("/kwip/", {"text": text, "form_key": key}).status_code == 302
    assert sorted(Kwip.objects.values_list("text", flat=True)) == ["tea", "tea and milk"]


def test_a_comment_in_place_is_answered_by_its_address_or_by_what_is_wrong(
    member: Client, ann: User, settings
) -> None:
    thread = write(ann)
    address, accept = f"/kwip/{thread.pk}/comment/", {"Accept": "application/json"}
    taken = member.post(address, {"text": "milk?"}, headers=accept)
    made = Kwip.objects.get(text="milk?")
    assert (taken.status_code, taken.json()) == (200, {"href": f"/ann/kwip/{made.pk}/"})
    empty = member.post(address, {"text": " "}, headers=accept)
    assert (empty.status_code, empty.json()) == (422, {"error": "say something first :)"})
    settings.LIMITS = settings.LIMITS | {"comment": "1/10m"}
    refused = member.post(address, {"text": "two?"}, headers=accept)
    assert (refused.status_code, "10 minutes" in refused.json()["error"]) == (429, True)
    actions.delete(kwip=thread)
    assert member.post(address, {"text": "two?"}, headers=accept).json() == {
        "error": "this kwip was deleted."
    }
