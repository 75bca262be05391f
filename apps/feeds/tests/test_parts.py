"""The parts of lists that the page's script asks for."""

import uuid
from urllib.parse import urlsplit

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.feeds import queries, unseen
from apps.feeds.queries import PAGE_SIZE
from apps.graph.actions import follow
from apps.keyset import encode
from apps.kwips import actions
from apps.kwips.models import Kwip

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann", "ann@example.org")


def write(author: User, number: int) -> list[int]:
    """The ids, the newest first."""
    made = [actions.publish(author=author, text="tea", form_key=uuid.uuid4()).kwip for _ in range(number)]
    return [kwip.pk for kwip in made][::-1]


def ids(html: str) -> list[int]:
    return [int(piece.partition('"')[0]) for piece in html.split('<article id="kwip-')[1:]]


def older(client: Client, path: str) -> str:
    page = client.get(path).content.decode()
    return page.partition('rel="next" href="')[2].partition('"')[0]


@pytest.mark.parametrize("is_member", [True, False])
@pytest.mark.parametrize("path", ["/", "/everyone/", "/ann/", "/everyone/?sort=active"])
def test_a_part_has_the_kwips_of_its_page_and_no_frame(
    client: Client, ann: User, path: str, is_member: bool
) -> None:
    if is_member:
        client.force_login(ann)
    written = write(ann, PAGE_SIZE + 3)
    address = urlsplit(path).path + older(client, path).replace("&amp;", "&")
    whole, part = (client.get(f"{address}{added}").content.decode() for added in ("", "&part=list"))
    assert ids(part) == ids(whole) == written[PAGE_SIZE:]
    for frame in ("<html", "<body", "csrfmiddlewaretoken", "<script"):
        assert frame in whole or not is_member
        assert frame not in part
    assert part.count("that's all since") == 1


def test_a_list_of_one_page_has_no_word_for_its_end(client: Client, ann: User) -> None:
    write(ann, 3)
    assert "that's all since" not in client.get("/everyone/").content.decode()


def test_the_new_kwips_come_with_the_place_from_which_newer_ones_count(client: Client, ann: User) -> None:
    fay = User.objects.create_user("fay", "fay@example.org")
    follow(follower=fay, followee=ann)
    client.force_login(fay)
    write(ann, PAGE_SIZE + 1)
    news = client.get("/").content.decode().partition('data-news="')[2].partition('"')[0]
    for number in (2, PAGE_SIZE, 3):
        new = write(ann, number)
        assert client.get(news).json()["count"] == number
        part = client.get(f"{news}&part=list").content.decode()
        assert ids(part)[:number] == new
        assert "<html" not in part
        news = part.partition('data-news="')[2].partition('"')[0]
        assert client.get(news).json()["count"] == 0
        assert len(ids(part)) <= 2 * PAGE_SIZE + 1


def test_a_kwip_that_is_older_than_the_newest_one_on_the_page_is_among_the_new_ones(ann: User) -> None:
    """Its id was assigned first, and its transaction committed last."""
    timeline = queries.everyone(viewer_id=None)
    first, late, last = write(ann, 3)[::-1]
    Kwip.objects.filter(pk=late).update(withheld=1)
    cursor = unseen.watch_cursor(timeline, timeline.page({}))
    Kwip.objects.filter(pk=late).update(withheld=0)
    assert [entry.id for entry in unseen.entries_since(timeline, cursor).items] == [last, late, first]


def test_a_place_that_no_page_has_is_refused(client: Client, ann: User) -> None:
    client.force_login(ann)
    for path in ("/network/new/", "/everyone/new/"):
        for query in ({"part": "list"}, {"part": "list", "after": "x"}):
            assert client.get(path, query).status_code == 404


def test_a_page_with_fewer_than_no_kwips_is_refused(client: Client) -> None:
    order = unseen._watch_order(queries.everyone(viewer_id=None))
    assert client.get("/everyone/new/", {"after": encode(order, (0, 0))}).status_code == 200
    for seen in (-1, -30):
        assert client.get("/everyone/new/", {"after": encode(order, (0, seen))}).status_code == 404
