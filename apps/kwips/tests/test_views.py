"""The pages for writing: valid and invalid forms, and the text that was typed."""

import re
import uuid
from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.test import Client

from apps.accounts.models import User
from apps.graph.actions import follow, unfollow
from apps.kwips import actions
from apps.kwips.models import Favourite, Kwip

pytestmark = pytest.mark.django_db


@pytest.fixture
def member(client: Client, ann: User) -> Client:
    client.force_login(ann)
    return client


def form_key_of(html: str) -> str:
    found = re.search(r'name="form_key"\s+value="([0-9a-f-]{36})"', html)
    assert found, "the form has no key"
    return found[1]


def test_publishing_leads_to_the_kwip_and_the_same_form_again_to_the_same_kwip(member: Client) -> None:
    key = form_key_of(member.get("/kwip/").content.decode())
    first = member.post("/kwip/", {"text": "tea & scones", "form_key": key})
    second = member.post("/kwip/", {"text": "tea & scones", "form_key": key})
    kwip = Kwip.objects.get()
    assert first.status_code == second.status_code == 302
    assert first["Location"] == second["Location"] == f"/ann/kwip/{kwip.pk}/"
    assert "tea &amp; scones" in member.get(first["Location"]).content.decode()


def test_the_form_works_without_a_key(member: Client) -> None:
    member.post("/kwip/", {"text": "tea"})
    member.post("/kwip/", {"text": "tea", "form_key": "no uuid"})
    assert Kwip.objects.count() == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "say something first"),
        (" \n\t ", "say something first"),
        ("\u200b\u202e", "say something first"),
        ("a" * 100_001, "the longest kwip has 100000"),
        ("a\x00b", "NUL character"),
        ("a\n" * 1_000_000, "the longest kwip has 100000"),
    ],
    ids=["empty", "white space", "invisible", "too long", "NUL", "a million lines"],
)
@pytest.mark.parametrize("address", ["/kwip/", "comment", "edit"])
def test_what_can_not_be_kept_is_said_beside_the_field(
    member: Client, ann: User, publish: Callable[..., Kwip], text: str, message: str, address: str
) -> None:
    if not address.startswith("/"):
        address = f"/kwip/{publish(ann).pk}/{address}/"
    before = Kwip.objects.count()
    answer = member.post(address, {"text": text})
    assert answer.status_code == 422
    html = answer.content.decode()
    assert message in html
    assert 'aria-invalid="true"' in html
    assert Kwip.objects.count() == before


def test_what_was_typed_is_still_there_after_an_error(member: Client) -> None:
    html = member.post("/kwip/", {"text": "dear <diary>\x00", "followers_only": "on"}).content.decode()
    assert "dear &lt;diary&gt;" in html
    assert re.search(r'name="followers_only"[^>]*checked', html)


def test_line_ends_that_browsers_add_do_not_count(member: Client) -> None:
    assert member.post("/kwip/", {"text": "a\r\n" * 49_000 + "b"}).status_code == 302


@pytest.mark.parametrize(
    "charset", ["unicode_escape", "hex", "rot13", "idna", "undefined", "utf-16", "latin-1"]
)
@pytest.mark.parametrize(
    "address", ["/kwip/", "/settings/", "/accounts/signup/", "/contact/", "/accounts/login/"]
)
def test_a_form_in_another_charset_is_refused(client: Client, ann: User, charset: str, address: str) -> None:
    if address in ("/kwip/", "/settings/"):
        client.force_login(ann)
    names = ("text", "display_name", "bio", "username", "email", "message", "name", "login", "password")
    parts = "".join(
        f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n\\ud800\r\n' for name in names
    )
    kind = f"multipart/form-data; boundary=B; charset={charset}"
    assert client.generic("POST", address, f"{parts}--B--\r\n", content_type=kind).status_code == 400


def test_what_is_no_utf8_is_no_error_of_ours(member: Client) -> None:
    form = "application/x-www-form-urlencoded"
    answer = member.generic("POST", "/kwip/", "text=caf%ed%a0%80", content_type=form)
    assert answer.status_code == 302
    assert "\ufffd" in Kwip.objects.get().text


@pytest.mark.parametrize("back", ["?x", "#", "abc", "a:b", "//e.example", "/\\e.example", ""])
def test_a_way_back_that_is_none_leads_to_the_kwip(
    member: Client, bob: User, publish: Callable[..., Kwip], back: str
) -> None:
    kwip = publish(bob)
    answer = member.post(f"/kwip/{kwip.pk}/favourite/", {"next": back})
    assert answer["Location"] == f"/bob/kwip/{kwip.pk}/"
    assert member.post("/bob/follow/", {"next": back})["Location"] == "/bob/"


def test_a_comment_on_an_invisible_kwip_is_refused(
    member: Client, ann: User, bob: User, publish: Callable[..., Kwip], comment: Callable[..., Kwip]
) -> None:
    secret = publish(bob, "for friends", followers_only=True)
    follow(follower=ann, followee=bob)
    made = comment(ann, secret, "#tea indeed")
    unfollow(follower=ann, followee=bob)
    actions.edit(kwip=secret, text="now with a secret")
    assert member.post(f"/kwip/{made.pk}/comment/", {"text": "still here"}).status_code == 404
    assert member.get(f"/ann/kwip/{made.pk}/").status_code == 404
    for address in ("/ann/comments/", "/tag/tea/", "/ann/favourites/"):
        assert "secret" not in member.get(address).content.decode()


def test_the_key_of_another_form_swallows_no_comment(member: Client) -> None:
    fields = {"text": "milk?", "form_key": str(uuid.uuid4())}
    member.post("/kwip/", fields)
    kwip = Kwip.objects.get()
    for _ in range(2):
        member.post(f"/kwip/{kwip.pk}/comment/", fields)
    assert [comment.text for comment in kwip.comments.all()] == ["milk?", "milk?"]


def test_a_form_that_was_taken_uses_up_no_tries(member: Client, settings: LazySettings) -> None:
    settings.LIMITS = settings.LIMITS | {"publish": "1/10m"}
    key = str(uuid.uuid4())
    for _ in range(3):
        assert member.post("/kwip/", {"text": "tea", "form_key": key}).status_code == 302
    assert member.post("/kwip/", {"text": "more tea"}).status_code == 429


def test_a_kwip_of_many_edits_shows_a_few_a_page(
    member: Client, ann: User, publish: Callable[..., Kwip]
) -> None:
    kwip = publish(ann, "tea 0")
    for number in range(1, 9):
        actions.edit(kwip=kwip, text=f"tea {number}")
    address = f"/ann/kwip/{kwip.pk}/history/"
    first = member.get(address)
    assert len(first.context["revisions"]) == 5
    second = member.get(address + first.context["page"].older)
    assert "tea 0" in second.content.decode()
    assert len(second.context["revisions"]) == 3


def test_a_form_sent_after_the_session_ended_comes_back_with_its_text(client: Client, ann: User) -> None:
    answer = client.post("/kwip/", {"text": "long <thought>"})
    assert answer.status_code == 403
    assert "long &lt;thought&gt;" in answer.content.decode()
    assert not Kwip.objects.exists()


def test_a_form_without_its_token_comes_back_with_its_text(ann: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ann)
    answer = strict.post("/kwip/", {"text": "long <thought>"})
    assert answer.status_code == 403
    assert "long &lt;thought&gt;" in answer.content.decode()
    assert not Kwip.objects.exists()


@pytest.mark.parametrize("what", ["edit", "delete"])
def test_only_the_author_changes_a_kwip(
    member: Client, bob: User, publish: Callable[..., Kwip], what: str
) -> None:
    kwip = publish(bob)
    assert member.get(f"/kwip/{kwip.pk}/{what}/").status_code == 403
    assert member.post(f"/kwip/{kwip.pk}/{what}/", {"text": "mine"}).status_code == 403
    assert Kwip.objects.get().text == "tea"


@pytest.mark.parametrize("what", ["edit", "delete", "comment", "favourite", "unfavourite"])
def test_a_kwip_that_may_not_be_seen_does_not_exist(
    member: Client, bob: User, publish: Callable[..., Kwip], what: str
) -> None:
    kwip = publish(bob, followers_only=True)
    assert member.post(f"/kwip/{kwip.pk}/{what}/", {"text": "mine"}).status_code == 404
    assert member.get(f"/bob/kwip/{kwip.pk}/history/").status_code == 404


@pytest.mark.parametrize("number", ["0", "x", "-1", "9" * 19, "9223372036854775808", "9" * 400, "٣"])
@pytest.mark.parametrize("address", ["/kwip/{}/edit/", "/ann/kwip/{}/", "/ann/kwip/{}/history/"])
def test_an_id_that_can_not_be_is_not_found(member: Client, number: str, address: str) -> None:
    assert member.get(address.format(number)).status_code == 404


def test_a_deleted_kwip_is_gone_everywhere(member: Client, ann: User, publish: Callable[..., Kwip]) -> None:
    kwip = publish(ann)
    assert member.post(f"/kwip/{kwip.pk}/delete/").status_code == 302
    for address in (f"/ann/kwip/{kwip.pk}/", f"/kwip/{kwip.pk}/edit/", f"/kwip/{kwip.pk}/comment/"):
        assert member.get(address).status_code == 410
    assert member.post(f"/kwip/{kwip.pk}/delete/").status_code == 302, "the second click of a double one"


def test_a_comment_on_a_deleted_kwip_comes_back_with_its_text(
    member: Client, ann: User, publish: Callable[..., Kwip]
) -> None:
    kwip = publish(ann)
    actions.delete(kwip=Kwip.objects.get(pk=kwip.pk))
    answer = member.post(f"/kwip/{kwip.pk}/comment/", {"text": "so <true>"})
    assert answer.status_code == 410
    assert "so &lt;true&gt;" in answer.content.decode()


def test_the_author_of_a_kwip_may_delete_comments_on_it(
    member: Client, ann: User, bob: User, publish, comment
) -> None:
    kwip = publish(ann)
    made = comment(bob, kwip)
    assert f"/kwip/{made.pk}/delete/" in member.get(f"/ann/kwip/{kwip.pk}/").content.decode()
    assert member.post(f"/kwip/{made.pk}/delete/")["Location"] == f"/ann/kwip/{kwip.pk}/"
    assert not kwip.comments.exists()


def test_a_comment_on_a_comment_joins_the_same_conversation(
    member: Client, ann: User, bob: User, publish, comment
) -> None:
    kwip = publish(bob)
    first = comment(bob, kwip)
    member.post(f"/kwip/{first.pk}/comment/", {"text": "indeed", "form_key": str(uuid.uuid4())})
    assert kwip.comments.count() == 2


def test_favouriting_leads_back_to_where_it_was_clicked(
    member: Client, ann: User, publish: Callable[..., Kwip]
) -> None:
    kwip = publish(ann)
    for _ in range(2):
        answer = member.post(f"/kwip/{kwip.pk}/favourite/", {"next": "/everyone/?sort=active"})
        assert answer["Location"] == f"/everyone/?sort=active#kwip-{kwip.pk}"
    assert Favourite.objects.count() == 1
    answer = member.post(f"/kwip/{kwip.pk}/unfavourite/", {"next": "https://elsewhere.example/"})
    assert answer["Location"] == f"/ann/kwip/{kwip.pk}/"
    assert not Favourite.objects.exists()


def test_marks_are_made_by_post_alone(member: Client, ann: User, publish: Callable[..., Kwip]) -> None:
    kwip = publish(ann)
    assert member.get(f"/kwip/{kwip.pk}/favourite/").status_code == 405
    member.get(f"/kwip/{kwip.pk}/delete/")
    assert Kwip.objects.exists()


def test_an_edited_kwip_says_so_and_shows_what_it_said(
    member: Client, ann: User, publish: Callable[..., Kwip]
) -> None:
    kwip = publish(ann, "tea at four")
    member.post(f"/kwip/{kwip.pk}/edit/", {"text": "tea at five"})
    page = member.get(f"/ann/kwip/{kwip.pk}/").content.decode()
    assert f'href="/ann/kwip/{kwip.pk}/history/"' in page
    assert "tea at four" not in page
    assert "tea at four" in member.get(f"/ann/kwip/{kwip.pk}/history/").content.decode()


def test_deleting_in_the_admin_goes_the_same_way(
    client: Client, ann: User, bob: User, publish, comment
) -> None:
    operator = User.objects.create_superuser("opera", "opera@example.org", "a long password")
    kwip = publish(ann)
    comment(bob, kwip)
    client.force_login(operator)
    client.post(
        "/admin/kwips/kwip/",
        {"action": "delete_selected", "_selected_action": [kwip.pk], "post": "yes"},
    )
    ann.refresh_from_db()
    bob.refresh_from_db()
    assert (Kwip.objects.count(), ann.kwips_count, bob.comments_count) == (0, 0, 0)
    assert client.get(f"/ann/kwip/{kwip.pk}/").status_code == 410
