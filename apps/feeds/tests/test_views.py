"""Addresses: canonical ones, redirects, and 404."""

import datetime
import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import User
from apps.feeds import queries
from apps.graph.models import Block
from apps.keyset import Key, KeysetOrder, encode, timestamp
from apps.kwips import actions
from apps.kwips.models import Kwip

pytestmark = pytest.mark.django_db

LISTS = ["/", "/?sort=active", "/everyone/", "/everyone/?sort=active", "/ann/", "/ann/?sort=active",
         "/ann/favourites/", "/ann/comments/", "/tag/tea/"]  # fmt: skip


@pytest.fixture
def member(client: Client, bob: User) -> Client:
    client.force_login(bob)
    return client


def about_kwips(captured: CaptureQueriesContext) -> list[str]:
    """The queries that read kwips; prepared ones begin with the name of the file."""
    of_member = ("/* session.sql", "/* cached.sql")
    statements = [query["sql"] for query in captured if not query["sql"].startswith(of_member)]
    return [
        sql for sql in statements if sql.startswith("/* ") or "kwips_kwip" in sql or "kwips_favourite" in sql
    ]


def shown(response) -> list[int]:
    html = b"".join(response.context["page"])
    return [int(number) for number in re.findall(rb'<article id="kwip-(\d+)"', html)]


@pytest.mark.parametrize("address", LISTS)
def test_every_list_is_a_page_for_anonymous_visitors_and_members(
    client, member, ann, publish, address
) -> None:
    actions.favourite(kwip=publish(ann, "#tea"), user=ann)
    assert Client().get(address).status_code == 200
    assert member.get(address).status_code == 200


@pytest.mark.parametrize(
    "address", ["/", "/everyone/", "/everyone/?sort=active", "/ann/", "/ann/?sort=active"]
)
def test_pages_lead_to_older_ones_and_back(client, ann, publish, address) -> None:
    kwips = [publish(ann).pk for _ in range(45)][::-1]
    Kwip.objects.update(last_active_at=F("last_active_at") - datetime.timedelta(minutes=1))
    path = address.partition("?")[0]
    pages = [client.get(address)]
    while older := pages[-1].context["page"].older:
        pages.append(client.get(path + older))
    assert [shown(page) for page in pages] == [kwips[:20], kwips[20:40], kwips[40:]]
    back = client.get(path + pages[-1].context["page"].newer)
    assert shown(back) == kwips[20:40]
    assert shown(client.get(path + back.context["page"].newer)) == kwips[:20]


def test_what_is_no_order_is_the_newest_first(client, ann, publish) -> None:
    publish(ann)
    assert client.get("/everyone/?sort=nonsense").context["sort"] == ""


@pytest.mark.parametrize(
    ("address", "canonical"),
    [
        ("/ANN/", "/ann/"),
        ("/Ann/?sort=active", "/ann/?sort=active"),
        ("/Ann/favourites/", "/ann/favourites/"),
        ("/Ann/comments/", "/ann/comments/"),
        ("/tag/TEA/", "/tag/tea/"),
        (f"/tag/{quote('Caf' + 'é')}/?x=1", f"/tag/{quote('café')}/?x=1"),
        (f"/tag/{quote('cafe' + chr(0x301))}/", f"/tag/{quote('café')}/"),
    ],
)
def test_other_spellings_lead_to_the_canonical_address_for_good(
    client, ann, publish, address, canonical
) -> None:
    publish(ann, "#tea #café")
    response = client.get(address)
    assert (response.status_code, response["Location"]) == (301, canonical)
    assert client.get(canonical).status_code == 200


def test_a_kwip_has_one_address(client, ann, bob, publish) -> None:
    kwip = publish(ann)
    assert client.get(f"/ann/kwip/{kwip.pk}/").context["kwip"].id == kwip.pk
    for other in (f"/Ann/kwip/{kwip.pk}/", f"/bob/kwip/{kwip.pk}/", f"/ann/kwip/0{kwip.pk}/"):
        response = client.get(other)
        assert (response.status_code, response["Location"]) == (301, f"/ann/kwip/{kwip.pk}/")


def test_a_comment_leads_to_its_place_in_the_conversation(client, ann, bob, publish, comment) -> None:
    kwip = publish(ann)
    made = [comment(bob, kwip) for _ in range(70)]
    first = client.get(f"/bob/kwip/{made[3].pk}/")
    assert first["Location"] == f"/ann/kwip/{kwip.pk}/#kwip-{made[3].pk}"
    far = client.get(f"/bob/kwip/{made[60].pk}/", follow=True)
    assert far.redirect_chain[-1][0].endswith(f"#kwip-{made[60].pk}")
    assert made[60].pk in shown(far)


def test_a_long_conversation_has_pages_the_oldest_first(client, ann, bob, publish, comment) -> None:
    kwip = publish(ann)
    made = [comment(bob, kwip).pk for _ in range(60)]
    address = f"/ann/kwip/{kwip.pk}/"
    first = client.get(address)
    assert shown(first) == made[:50]
    second = client.get(address + first.context["page"].next)
    assert shown(second) == made[50:]
    assert shown(client.get(address + second.context["page"].previous)) == made[:50]


def test_the_newest_comment_is_one_link_away_at_an_address_that_stays(
    client, ann, bob, publish, comment
) -> None:
    kwip = publish(ann)
    made = [comment(bob, kwip).pk for _ in range(60)]
    address = f"/ann/kwip/{kwip.pk}/"
    newest, _, anchor = client.get(address).context["newest"].partition("#")
    last = client.get(address + newest)
    assert shown(last) == made[10:]
    html = b"".join(last.context["page"])
    assert re.findall(rb'<li id="newest"[^>]*>\s*<article id="kwip-(\d+)"', html) == [b"%d" % made[-1]]
    assert (anchor, last.context["newest"]) == ("newest", "#newest")
    assert last.context["page"].next == ""
    assert shown(client.get(address + last.context["page"].previous)) == made[:10]
    made.append(comment(bob, kwip).pk)
    assert shown(client.get(address + newest)) == made[11:]


def test_a_deleted_kwip_is_gone_at_its_own_address_alone(client, ann, bob, publish) -> None:
    kwip = publish(ann)
    actions.delete(kwip=kwip)
    assert client.get(f"/ann/kwip/{kwip.pk}/").status_code == 410
    assert client.get(f"/bob/kwip/{kwip.pk}/").status_code == 404


def test_a_kwip_one_may_not_see_is_not_there(member, ann, bob, publish) -> None:
    secret = publish(ann, followers_only=True)
    assert member.get(f"/ann/kwip/{secret.pk}/").status_code == 404
    # A redirect would reveal the author.
    assert member.get(f"/bob/kwip/{secret.pk}/").status_code == 404
    open_to_all = publish(ann)
    Block.objects.create(blocker=ann, blocked=bob)
    assert member.get(f"/ann/kwip/{open_to_all.pk}/").status_code == 404


@pytest.mark.parametrize(
    "address",
    ["/nobody/", "/ann/kwip/0/", "/ann/kwip/-1/", "/ann/kwip/seven/", f"/ann/kwip/{2**63}/",
     f"/ann/kwip/{10**30}/", f"/ann/kwip/{2**63 - 1}/", "/ann/kwip/%D9%A3/", "/%00%00%00/", "/an%00n/",
     "/tag/%00/", "/tag/a%00b/", "/tag//", f"/tag/{'x' * 101}/", f"/{'x' * 31}/", "/ann%20/", "/tag/a b/"],
)  # fmt: skip
def test_where_nothing_can_be_nothing_is_found(client, ann, address) -> None:
    assert client.get(address).status_code == 404


FOREIGN = encode(KeysetOrder("elsewhere"), (7,))
LATER = (timezone.now() + datetime.timedelta(days=900), 7)
ACTIVE = KeysetOrder("everyone, active", keys=(timestamp("last_active_at"), Key("id")))
BAD = ["", "1", "x", "-1", "0", "7", "1" * 500, "9" * 30, f"{10**20}", "%00", "%F0%9F%8D%B5", "2AAAA",
       "1" + FOREIGN[1:], FOREIGN, FOREIGN + "=", "' OR 1=1 --", "../..", "2____________",
       encode(ACTIVE, LATER)]  # fmt: skip


@pytest.mark.parametrize("argument", ["before", "after"])
@pytest.mark.parametrize("address", LISTS)
def test_a_bad_cursor_is_not_found_and_asks_postgresql_for_no_kwip(
    member, ann, publish, address, argument
) -> None:
    publish(ann)
    joint = "&" if "?" in address else "?"
    for cursor in BAD:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            response = member.get(f"{address}{joint}{argument}={cursor}")
        assert response.status_code == 404, cursor
        assert not about_kwips(captured)


@pytest.mark.parametrize("position", [0, 1, 2**31, 2**62, 2**63 - 1])
def test_a_cursor_at_the_ends_of_the_world_is_a_page(client, ann, publish, position) -> None:
    publish(ann)
    cursor = encode(KeysetOrder("everyone"), (position,))
    for argument in ("before", "after"):
        assert client.get(f"/everyone/?{argument}={cursor}").status_code == 200


def test_the_first_page_names_an_address_that_counts_what_is_new(
    client, member, ann, bob, publish, follow
) -> None:
    follow(bob, ann)
    for reader, address in ((Client(), "/"), (Client(), "/everyone/"), (member, "/"), (member, "/everyone/")):
        watching = reader.get(address).context["news"]
        assert reader.get(watching).json() == {"count": 0, "more": False, "label": ""}
        publish(ann)
        assert reader.get(watching).json() == {"count": 1, "more": False, "label": "1 new kwip"}


@pytest.mark.parametrize("address", ["/everyone/new/", "/everyone/new/?after=x", "/network/new/?after=x"])
def test_a_count_of_what_is_new_needs_its_cursor(member, address) -> None:
    assert member.get(address).status_code == 404


def test_a_network_is_counted_for_members_alone(client) -> None:
    assert client.get("/network/new/?after=x").status_code == 404


@pytest.mark.parametrize(
    ("few", "window", "most"),
    [(200, 2_000, 1), (0, 2_000, 1), (0, 10, 2)],
    ids=["people alone", "a window that fills", "a window that does not"],
)
def test_a_network_page_takes_one_query_for_ids_and_marks_one_for_cards_one_for_the_column(
    member, ann, bob, publish, follow, monkeypatch, few, window, most
) -> None:
    monkeypatch.setattr(queries, "FEW_FOLLOWEES", few)
    monkeypatch.setattr(queries, "WINDOW", window)
    follow(bob, ann)
    for _ in range(25):
        publish(ann)
    member.get("/")
    with CaptureQueriesContext(connection) as captured:
        response = member.get("/")
    assert len(shown(response)) == 20
    queries_run = about_kwips(captured)
    assert len([sql for sql in queries_run if sql.startswith("/* network_")]) == most
    # The marks are a column of the last.
    assert len(queries_run) == most + 2
    assert not [sql for sql in queries_run if "COUNT(" in sql.upper()]


def test_queries_do_not_grow_with_what_a_page_shows(client, ann, publish) -> None:
    def counted(address: str) -> int:
        client.get(address)
        with CaptureQueriesContext(connection) as captured:
            client.get(address)
        return len(captured)

    publish(ann)
    before = [counted(address) for address in ("/", "/everyone/", "/ann/")]
    for _ in range(30):
        publish(ann)
    assert [counted(address) for address in ("/", "/everyone/", "/ann/")] == before
    assert Kwip.objects.count() == 31


def test_the_welcome_says_who_is_followed_already(
    client: Client, ann: User, bob: User, publish: Callable[..., Kwip]
) -> None:
    publish(bob)
    client.force_login(ann)
    for path, then in (("/bob/follow/", "unfollow"), ("/bob/unfollow/", "follow")):
        assert client.post(path, {"next": "/welcome/"})["Location"] == "/welcome/"
        assert f'formaction="/bob/{then}/"' in client.get("/welcome/").content.decode()
