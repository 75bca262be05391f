"""The pages of mutes."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.graph import muting
from apps.graph.models import Mute, MutedConversation, MutedWord
from apps.kwips import actions
from apps.kwips.models import Kwip

pytestmark = pytest.mark.django_db

type Publish = Callable[..., Kwip]
FOREVER = {"until": "ever", "how": "silenced"}


def test_a_word_is_muted_shown_and_undone(client: Client, ann: User) -> None:
    assert client.get("/settings/mutes/").status_code == 302
    client.force_login(ann)
    answer = client.post("/settings/mutes/", {"word": "Star Wars", "until": "day", "how": "muffled"})
    assert answer["Location"] == "/settings/mutes/"
    word = MutedWord.objects.get()
    assert (word.folded, word.is_muffled) == ("star wars", True)
    assert word.ends_at is not None
    page = client.get("/settings/mutes/").content.decode()
    assert "Star Wars" in page
    assert "muffled" in page
    for wrong in ({"kind": "word", "id": "x"}, {"kind": "no", "id": "1"}, {"kind": "word", "id": "9" * 30}):
        assert client.post("/settings/mutes/undo/", wrong).status_code == 404
    client.post("/settings/mutes/undo/", {"kind": "word", "id": str(word.pk)})
    assert not MutedWord.objects.exists()


@pytest.mark.parametrize(
    ("typed", "why"), [("#", "no tag"), ("!?", "no word in that"), ("x" * 52, "at most 51"), ("", "required")]
)
def test_a_wrong_word_gets_a_clear_answer_and_stays_in_the_form(
    client: Client, ann: User, typed: str, why: str
) -> None:
    client.force_login(ann)
    answer = client.post("/settings/mutes/", {"word": typed, **FOREVER})
    assert answer.status_code == 422
    assert why in answer.content.decode()
    assert not typed or f'value="{typed}"' in answer.content.decode()


def test_a_kwip_mutes_its_author_or_its_conversation(
    client: Client, ann: User, bob: User, publish: Publish, comment: Publish
) -> None:
    kwip = publish(ann)
    said = comment(bob, kwip)
    client.force_login(ann)
    shown = client.get(f"/ann/kwip/{kwip.pk}/").content.decode()
    for page in ("mute", "report"):  # in the menu of what others wrote
        assert f'href="/kwip/{said.pk}/{page}/"' in shown
        assert f'href="/kwip/{kwip.pk}/{page}/"' not in shown
    assert client.get(f"/kwip/{said.pk}/mute/").status_code == 200
    assert client.get(f"/kwip/{kwip.pk}/mute/").status_code == 404  # one's own
    client.post(f"/kwip/{said.pk}/mute/", {"what": "conversation", **FOREVER})
    assert MutedConversation.objects.get().kwip_id == kwip.pk
    client.post(f"/kwip/{said.pk}/mute/", {"what": "person", **FOREVER})
    assert Mute.objects.get().muted == bob
    page = client.get("/settings/mutes/").content.decode()
    assert f"/ann/kwip/{kwip.pk}/" in page
    assert 'href="/bob/"' in page
    actions.delete(kwip=kwip)
    assert not MutedConversation.objects.exists()


def test_a_person_is_muted_from_their_page(client: Client, ann: User, bob: User) -> None:
    client.force_login(ann)
    assert b'href="/bob/mute/"' in client.get("/bob/").content
    assert client.get("/bob/mute/").status_code == 200
    assert client.get("/ann/mute/").status_code == 404
    assert client.post("/bob/mute/", {"until": "always", "how": "silenced"}).status_code == 422
    assert client.post("/bob/mute/", {**FOREVER, "next": "/bob/"})["Location"] == "/bob/"
    assert Mute.objects.get().ends_at is None
    assert b"unmute" in client.get("/bob/").content


def test_mutes_are_limited_in_number_and_rate(
    client: Client, ann: User, bob: User, monkeypatch: pytest.MonkeyPatch, settings
) -> None:
    monkeypatch.setattr(muting, "MOST_MUTES", 1)
    settings.LIMITS = settings.LIMITS | {"mute": "3/1h"}
    client.force_login(ann)
    client.post("/settings/mutes/", {"word": "tea", **FOREVER})
    answer = client.post("/settings/mutes/", {"word": "milk", **FOREVER})
    assert answer.status_code == 422
    assert b"all that fit" in answer.content
    client.post("/bob/mute/", FOREVER)
    for address in ("/bob/mute/", "/settings/mutes/", "/settings/mutes/undo/"):
        assert client.post(address, {"word": "milk", **FOREVER}).status_code == 429
    assert MutedWord.objects.count() == Mute.objects.count() == 1
