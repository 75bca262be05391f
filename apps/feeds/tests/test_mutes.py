"""What mutes fold, what they hide, and until when. `random_communities` has all of it at once."""

import datetime
import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.feeds import queries
from apps.feeds.tests.kept_network import KEPT, PLANS, renewed
from apps.graph import actions as graph
from apps.graph import blocking, muting
from apps.graph.models import Mute, MutedConversation, MutedWord
from apps.kwips import actions, sharing
from apps.kwips.models import Kwip, Share

pytestmark = pytest.mark.django_db

type Publish = Callable[..., Kwip]
LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
FOLDS = re.compile(r'<details class="muffled">\s*<summary>\s*(.*?)\s*</summary>(.*?)</details>', re.DOTALL)


def mute(ann: User, kind: str, kwip: Kwip, **how: object) -> None:
    """Ann mutes something of the kwip."""
    values = {"muter": ann, "is_muffled": True} | how
    match kind:
        case "person":
            Mute.objects.create(muted=kwip.author, **values)
        case "conversation":
            MutedConversation.objects.create(kwip_id=kwip.thread_id or kwip.pk, **values)
        case "tag":
            MutedWord.objects.create(word="#leaves", folded="leaves", is_tag=True, **values)
        case "word":
            MutedWord.objects.create(word="Café", folded="cafe", is_tag=False, **values)


REASONS = {
    "person": "something by <bdi>bob</bdi>, whom you muffle",
    "conversation": "a talk that you muffle",
    "tag": "something with <bdi>#leaves</bdi>, which you muffle",
    "word": "something with “<bdi>Café</bdi>”, which you muffle",
}


def folds(client: Client, address: str) -> list[tuple[str, str]]:
    """The reason and the content of each folded card on a page."""
    return FOLDS.findall(client.get(address).content.decode())


@pytest.mark.parametrize("kind", REASONS)
def test_what_is_muffled_is_folded_in_lists_and_says_why(
    client: Client, ann: User, bob: User, publish: Publish, kind: str
) -> None:
    kwip, other = publish(bob, "CAFÉ #leaves"), publish(ann, "my own café #leaves")
    graph.follow(follower=ann, followee=bob)
    client.force_login(ann)
    for address in ("/", "/?sort=active", "/everyone/", "/tag/leaves/"):
        assert folds(client, address) == [], address
    mute(ann, kind, kwip)
    for address in ("/", "/?sort=active", "/everyone/", "/everyone/?sort=active", "/tag/leaves/"):
        [(why, card)] = folds(client, address)
        assert why == REASONS[kind], address
        assert f'id="kwip-{kwip.pk}"' in card
        assert f'id="kwip-{other.pk}"' in client.get(address).content.decode()
    # One went there on purpose; others see no fold.
    for address in ("/bob/", f"/bob/kwip/{kwip.pk}/", "/bob/favourites/"):
        assert folds(client, address) == [], address
    client.force_login(bob)
    assert folds(client, "/everyone/") == []
    client.logout()
    assert folds(client, "/everyone/") == []
    MutedWord.objects.update(ends_at=LONG_AGO)
    MutedConversation.objects.update(ends_at=LONG_AGO)
    Mute.objects.update(ends_at=LONG_AGO)
    client.force_login(ann)
    assert folds(client, "/everyone/") == []


@pytest.mark.parametrize("kind", ["person", "word", "tag"])
@pytest.mark.parametrize("is_muffled", [True, False])
def test_comments_are_folded_or_gone_but_not_for_a_muted_conversation(
    client: Client, ann: User, bob: User, publish: Publish, comment: Publish, kind: str, is_muffled: bool
) -> None:
    kwip = publish(ann)
    said = comment(bob, kwip, "café #leaves")
    comment(ann, kwip, "café #leaves")
    mute(ann, "conversation", said, is_muffled=is_muffled)
    client.force_login(ann)
    address = f"/ann/kwip/{kwip.pk}/"
    assert folds(client, address) == []
    assert client.get(address).content.count(b"u-comment") == 2
    mute(ann, kind, said, is_muffled=is_muffled)
    assert [why for why, _ in folds(client, address)] == [REASONS[kind]] * is_muffled
    assert client.get(address).content.count(b"u-comment") == 1 + is_muffled


def test_what_a_muffled_person_shares_is_folded(
    client: Client, ann: User, bob: User, publish: Publish
) -> None:
    eve = User.objects.create_user("eve", "eve@example.org")
    graph.follow(follower=ann, followee=bob)
    kwip = publish(eve)
    sharing.share(kwip=kwip, user=bob)
    client.force_login(ann)
    assert folds(client, "/") == []
    Mute.objects.create(muter=ann, muted=bob, is_muffled=True)
    [(why, card)] = folds(client, "/")
    assert why == REASONS["person"]
    assert "shared by" in card
    assert folds(client, "/everyone/") == []


def test_a_block_hides_earlier_shares_of_and_by_the_blocked(
    client: Client, ann: User, bob: User, publish: Publish, comment: Publish
) -> None:
    eve = User.objects.create_user("eve", "eve@example.org")
    for followee in (bob, eve):
        graph.follow(follower=ann, followee=followee)
    graph.follow(follower=bob, followee=eve)
    graph.follow(follower=eve, followee=ann)
    of_bob, of_eve = publish(bob, "by bob"), publish(eve, "by eve")
    sharing.share(kwip=of_bob, user=eve)
    sharing.share(kwip=of_eve, user=bob)
    actions.favourite(kwip=of_eve, user=bob)
    comment(bob, of_eve, "bob was here")
    blocking.block(blocker=ann, blocked=bob)
    for one, other in ((ann, "bob"), (bob, "ann")):
        client.force_login(one)
        for address in ("/", "/everyone/", f"/{other}/", f"/{other}/favourites/", f"/{other}/shares/"):
            assert f'href="/{other}/kwip/' not in client.get(address).content.decode(), address
        for address in ("/eve/followers/", "/eve/following/"):
            assert f'href="/{other}/"' not in client.get(address).content.decode(), address
    client.force_login(ann)
    assert b"shared by" not in client.get("/").content
    assert b"by eve" not in client.get("/bob/shares/").content + client.get("/bob/favourites/").content
    assert b"bob was here" not in client.get(f"/eve/kwip/{of_eve.pk}/").content
    client.force_login(bob)
    assert b"bob was here" in client.get(f"/eve/kwip/{of_eve.pk}/").content


@pytest.fixture
def hidden(ann: User, bob: User, publish: Publish) -> Kwip:
    """An older kwip of eve, whom ann follows, and one of bob."""
    eve = User.objects.create_user("eve", "eve@example.org")
    graph.follow(follower=ann, followee=eve)
    kwip = publish(eve, "café #leaves")
    publish(bob)
    return kwip


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("memcached")
@pytest.mark.parametrize("ends", ["undone", "time", "muffled"])
@pytest.mark.parametrize("kind", ["person", "conversation"])
def test_what_a_mute_hid_is_on_a_kept_page_at_its_end(
    network, ann: User, hidden: Kwip, kind: str, ends: str
) -> None:
    mute(ann, kind, hidden, is_muffled=False, ends_at=timezone.now() + datetime.timedelta(hours=1))
    assert hidden.pk not in renewed(network)
    model = Mute if kind == "person" else MutedConversation
    match ends:
        case "undone":
            muting.unmute(model, muter=ann)
        case "time":
            model.objects.update(ends_at=LONG_AGO)
        case "muffled":
            model.objects.update(is_muffled=True)
    assert hidden.pk in network.ids()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("memcached")
@pytest.mark.parametrize("kind", ["word", "tag"])
def test_while_words_are_silenced_no_page_is_kept_and_an_edit_shows_an_older_kwip(
    network, ann: User, hidden: Kwip, kind: str
) -> None:
    assert hidden.pk in renewed(network)
    mute(ann, kind, hidden, is_muffled=False)
    for _ in range(3):
        assert hidden.pk not in network.ids()
        assert network.files >= PLANS - {"network_window"}
    actions.edit(kwip=hidden, text="water")
    assert hidden.pk in network.ids()
    MutedWord.objects.update(is_muffled=True)
    assert hidden.pk in renewed(network)
    assert network.files == KEPT


def test_a_share_of_what_is_silenced_is_not_shown(ann: User, bob: User, publish: Publish) -> None:
    eve = User.objects.create_user("eve", "eve@example.org")
    graph.follow(follower=ann, followee=bob)
    for text in ("a café", "#leaves", "tea"):
        sharing.share(kwip=publish(eve, text), user=bob)
    for few in (1, queries.FEW_FOLLOWEES + 1):
        timeline = queries.network(viewer_id=ann.pk, following_count=few)
        assert len(timeline.page({})) == 3
    mute(ann, "word", publish(bob), is_muffled=False)
    mute(ann, "tag", publish(bob), is_muffled=False)
    for few in (1, queries.FEW_FOLLOWEES + 1):
        timeline = queries.network(viewer_id=ann.pk, following_count=few)
        shared = [entry.place for entry in timeline.page({}) if entry.shared_by]
        assert shared == [Share.objects.latest("pk").pk]
