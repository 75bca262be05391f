"""Imported kwips: once, with their dates, below what was written here, and without notice to anyone."""

import datetime
import html
import re
import uuid
from collections.abc import Sequence

import pytest
from django.core import mail

from apps.accounts.actions import switch_off
from apps.accounts.models import OffReason, User
from apps.commandqueue.models import Command
from apps.feeds import queries as feeds
from apps.feeds import unseen
from apps.feeds.tests.kept_network import Network, renewed
from apps.graph.actions import follow
from apps.keyset import Page
from apps.kwips import actions, bookmarks, cards, importing, narrowing, sharing, thanks
from apps.kwips.importing import Past, TooMany, add_imported
from apps.kwips.models import Kwip, Pin, Thanks, Withheld
from apps.notifications.models import Notice

pytestmark = pytest.mark.django_db

Y2019 = datetime.datetime(2019, 5, 1, 12, 0, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)


def past(text: str = "old #tea @bob", at: datetime.datetime = Y2019, **options: object) -> Past:
    values = {"key": uuid.uuid4(), "text": text, "created_at": at, "followers_only": False} | options
    return Past(**values)  # type: ignore[arg-type]


def ids(page: Page[feeds.Entry]) -> list[int]:
    return [entry.id for entry in page]


def everywhere(viewer: User, author: User) -> dict[str, feeds.Timeline]:
    """Each list of kwips, newest first and by activity."""
    lists = {"tag": feeds.tag(viewer_id=viewer.pk, name="tea")}
    for sort in ("", "active"):
        lists |= {
            f"everyone {sort}": feeds.everyone(viewer_id=viewer.pk, sort=sort),
            f"network {sort}": feeds.network(viewer_id=viewer.pk, following_count=1, sort=sort),
            f"large network {sort}": feeds.network(viewer_id=viewer.pk, following_count=201, sort=sort),
            f"person {sort}": feeds.person(viewer_id=viewer.pk, person_id=author.pk, sort=sort),
        }
    return lists


def walked(timeline: feeds.Timeline) -> list[int]:
    """All ids of a list, page by page to the end; and back again the same."""
    page = timeline.page({}, limit=4)
    found = ids(page)
    while page.older:
        page = timeline.page({"before": page.older.partition("before=")[2].partition("&")[0]}, limit=4)
        found += ids(page)
    return found


@pytest.fixture
def moved_in(ann: User, bob: User, publish) -> Sequence[Kwip]:
    """Ann, whom bob follows, wrote 21 kwips here and imports seven: newest first, all of them."""
    follow(follower=bob, followee=ann)
    here = [publish(ann, f"new {number} #tea") for number in range(21)]
    dates = [Y2019 + HOUR * number for number in (3, 0, 6, 2, 5, 1, 4)]
    assert add_imported(author=ann, kwips=[past(at=at) for at in dates]) == 7
    old = Kwip.objects.filter(author=ann, pk__lt=0).order_by("-created_at")
    return [*reversed(here), *old]


def test_no_first_page_shows_them_where_others_fill_it(moved_in, ann: User, bob: User) -> None:
    for name, timeline in everywhere(bob, ann).items():
        assert all(kwip_id > 0 for kwip_id in ids(timeline.page({}))), name


def test_every_list_has_them_at_its_end_in_the_order_of_their_dates(moved_in, ann: User, bob: User) -> None:
    for name, timeline in everywhere(bob, ann).items():
        assert walked(timeline) == [kwip.pk for kwip in moved_in], name


def test_they_count_as_no_news(moved_in, ann: User, bob: User, publish) -> None:
    timeline = feeds.person(viewer_id=bob.pk, person_id=ann.pk)
    cursor = unseen.watch_cursor(timeline, timeline.page({}))
    add_imported(author=ann, kwips=[past()])
    assert unseen.since(timeline, cursor).count == 0


def test_news_are_counted_on_a_page_with_some_of_them(ann: User, bob: User, publish) -> None:
    add_imported(author=ann, kwips=[past(), past(at=Y2019 - HOUR)])
    timeline = feeds.person(viewer_id=bob.pk, person_id=ann.pk)
    cursor = unseen.watch_cursor(timeline, timeline.page({}))
    assert unseen.since(timeline, cursor).count == 0
    publish(ann)
    assert unseen.since(timeline, cursor).count == 1


def test_a_search_finds_them_behind_all_others(moved_in, bob: User, client) -> None:
    client.force_login(bob)
    found: list[str] = []
    query = "?q=%23tea"
    while query:
        page = client.get(f"/search/{query}").content.decode()
        found += re.findall(r'id="kwip-(-?\d+)"', page)
        later = re.search(r'rel="next" href="([^"]+)"', page)
        query = html.unescape(later[1]) if later else ""
    assert found == [str(kwip.pk) for kwip in moved_in]


def test_nobody_is_notified_or_mailed(ann: User, bob: User) -> None:
    follow(follower=bob, followee=ann)
    notices, commands = Notice.objects.count(), Command.objects.count()
    add_imported(author=ann, kwips=[past("hello @bob")])
    assert (Notice.objects.count(), Command.objects.count()) == (notices, commands)
    assert not mail.outbox


def test_each_key_is_imported_once_and_never_again(ann: User, publish) -> None:
    here = publish(ann, "written here")
    old = past()
    assert add_imported(author=ann, kwips=[old, old, past(key=here.form_key)]) == 1
    assert add_imported(author=ann, kwips=[old]) == 0
    ann.refresh_from_db()
    assert ann.kwips_count == 2
    actions.delete(kwip=Kwip.objects.get(pk__lt=0))
    assert add_imported(author=ann, kwips=[old]) == 0
    ann.refresh_from_db()
    assert ann.kwips_count == 1


def test_equal_dates_have_ids_of_their_own(ann: User, bob: User, monkeypatch) -> None:
    for author in (ann, bob, ann):
        assert add_imported(author=author, kwips=[past() for _ in range(5)]) == 5
    found = sorted(Kwip.objects.values_list("pk", flat=True))
    assert found == list(range(found[0], found[0] + 15))


def test_its_date_is_kept_and_its_card_says_where_it_is_from(ann: User) -> None:
    add_imported(author=ann, kwips=[past("old", followers_only=True)])
    kwip = Kwip.objects.get()
    assert (kwip.created_at, kwip.last_active_at, kwip.followers_only) == (Y2019, Y2019, True)
    [card] = cards.shown(feeds.person(viewer_id=ann.pk, person_id=ann.pk).page({}).items, ann.pk)
    assert b"from an archive" in card


def test_of_a_private_person_all_are_for_followers(ann: User) -> None:
    User.objects.filter(pk=ann.pk).update(is_private=True)
    add_imported(author=ann, kwips=[past()])
    assert Kwip.objects.get().followers_only


def test_of_a_person_who_is_switched_off_all_are_withheld(ann: User) -> None:
    switch_off(people=[ann], by=None, reason=OffReason.SUSPENDED)
    add_imported(author=ann, kwips=[past()])
    assert Kwip.objects.get().withheld == Withheld.SUSPENDED


def test_it_has_an_address_and_all_that_a_kwip_has(ann: User, bob: User, comment, client) -> None:
    add_imported(author=ann, kwips=[past()])
    kwip = Kwip.objects.get()
    address = f"/ann/kwip/{kwip.pk}/"
    assert client.get(address).status_code == 200
    comment(bob, kwip, "with milk")
    assert Notice.objects.filter(recipient=ann, thread_id=kwip.pk).exists()
    actions.favourite(kwip=kwip, user=bob)
    bookmarks.bookmark(kwip=kwip, user=bob)
    sharing.share(kwip=kwip, user=bob)
    actions.edit(kwip=kwip, text="newer")
    client.force_login(bob)
    for page in (address, "/bob/favourites/", "/bookmarks/", "/bob/shares/"):
        response = client.get(page)
        assert response.status_code == 200, page
        assert b"newer" in response.content, page
    client.force_login(ann)
    assert b"milk" in client.get("/notifications/").content
    assert client.post(f"/kwip/{kwip.pk}/delete/").status_code == 302
    assert client.get(address).status_code == 410


def test_a_person_has_a_limited_number_of_them(ann: User, monkeypatch) -> None:
    monkeypatch.setattr(importing, "MOST", 2)
    add_imported(author=ann, kwips=[past(), past()])
    with pytest.raises(TooMany):
        add_imported(author=ann, kwips=[past()])
    assert Kwip.objects.count() == 2


def test_the_sitemap_has_none(ann: User, publish, client) -> None:
    publish(ann)
    add_imported(author=ann, kwips=[past()])
    assert b"sitemap-kwips--" not in client.get("/sitemap.xml").content


@pytest.mark.django_db(transaction=True)
def test_a_kept_first_page_has_them_too(ann: User, bob: User, publish, monkeypatch) -> None:
    monkeypatch.setattr(feeds, "WINDOW", 1)
    follow(follower=ann, followee=bob)
    new, network = publish(bob, "new"), Network(ann)
    assert renewed(network) == [new.pk]
    add_imported(author=bob, kwips=[past()])
    assert network.ids() == [new.pk, Kwip.objects.get(pk__lt=0).pk]


def test_they_are_narrowed_pinned_and_thanked_for_as_others_are(ann: User, bob: User) -> None:
    add_imported(author=ann, kwips=[past(), past(at=Y2019 - HOUR)])
    kwip = Kwip.objects.latest("pk")
    Pin.objects.create(person=ann, kwip_id=kwip.pk)
    actions.favourite(kwip=kwip, user=bob)
    thanks.show(user=ann)
    thanks.count.call(ann.pk)
    assert Thanks.objects.get(person=ann).number == 1
    narrowing.begin(person=ann)
    while narrowing.narrow_batch(ann.pk) is not None:
        pass
    assert all(kwip.followers_only for kwip in Kwip.objects.all())
