"""Changing a user name: old URLs redirect, and the old name is reserved for a year."""

import datetime
import gzip
import uuid
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db.models import F
from django.test import Client

from apps.accounts import names
from apps.accounts.models import FormerName, User
from apps.kwips import actions
from apps.kwips.models import Kwip
from apps.kwips.queries import cards
from apps.kwips.visibility import Visible
from apps.pagecache import wrapped
from apps.pagecache.management.commands.warmpages import warming_request
from apps.pagecache.responses import Response
from apps.pagecache.wsgi import response_of
from kwippy.tasks import release_names
from tests.support.people import member, sign_up

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(db: None) -> User:
    return member("ann")


@pytest.fixture
def lena(db: None) -> User:
    """A user whose former name is lena_m."""
    user = member("lena_m")
    names.rename(user_id=user.pk, username="lena")
    user.refresh_from_db()
    return user


def write(author: User, text: str) -> Kwip:
    return actions.publish(author=author, text=text, form_key=uuid.uuid4()).kwip


def a_year_passes() -> None:
    FormerName.objects.update(kept_until=F("kept_until") - datetime.timedelta(days=366))


def test_every_address_of_the_old_name_redirects_for_good(client: Client, lena: User) -> None:
    kwip = write(lena, "hello")
    for rest in ("", "feed.atom", "followers/", "following/", "favourites/", "comments/", "shares/",
                 "?sort=active", f"kwip/{kwip.pk}/", f"kwip/{kwip.pk}/history/"):  # fmt: skip
        for old in ("lena_m", "Lena_M"):
            answer = client.get(f"/{old}/{rest}")
            assert (answer.status_code, answer["Location"]) == (301, f"/lena/{rest}"), rest
            assert answer["Cache-Control"] == "private, no-store"
        assert client.get(f"/lena/{rest}").status_code == 200


def test_a_deleted_kwip_is_said_to_be_gone_under_the_old_name_too(client: Client, lena: User) -> None:
    kwip = write(lena, "hello")
    actions.delete(kwip=kwip)
    assert client.get(f"/lena_m/kwip/{kwip.pk}/").status_code == 410
    assert client.get(f"/another/kwip/{kwip.pk}/").status_code == 404


def test_following_under_the_old_name_follows_the_person(client: Client, lena: User, ann: User) -> None:
    client.force_login(ann)
    client.post("/lena_m/follow/")
    lena.refresh_from_db()
    assert lena.followers_count == 1


def test_old_and_new_mentions_of_the_old_name_still_lead_to_the_person(client: Client, ann: User) -> None:
    user = member("lena_m")
    before = write(ann, "hi @lena_m")
    names.rename(user_id=user.pk, username="lena")
    after = write(ann, "hi again @lena_m, or @lena")
    html = [card.html for card in cards([Visible(before.pk), Visible(after.pk)])]
    assert 'href="/lena_m/"' in html[0]
    assert 'href="/lena_m/"' in html[1]
    assert 'href="/lena/"' in html[1]
    a_year_passes()
    member("lena_m2")
    names.rename(user_id=User.objects.get(username="lena_m2").pk, username="lena_m")
    actions.edit(kwip=before, text="hi @lena_m!")
    actions.edit(kwip=after, text="so long, @lena")
    [mentioned] = before.mentions.all()
    assert mentioned.user.username == "lena_m", "the user of that name today"


def test_the_old_name_is_reserved_for_a_year(client: Client, lena: User, ann: User) -> None:
    assert "someone has that name already" in sign_up(Client(), "lena_m", "eve@example.org").content.decode()
    client.force_login(ann)
    assert (
        "someone has that name already"
        in client.post("/settings/name/", {"username": "Lena_m"}).content.decode()
    )
    assert client.get("/lena_m/").status_code == 301
    a_year_passes()
    assert client.get("/lena_m/").status_code == 404, "the year is over, swept or not"
    assert release_names.call() == 1
    assert not FormerName.objects.exists()
    assert sign_up(Client(), "lena_m", "eve@example.org").status_code == 302


def test_names_are_released_in_as_many_batches_as_it_takes(
    lena: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "_BATCH", 2)
    for n in range(4):
        names.rename(user_id=lena.pk, username=f"lena{n}")
    a_year_passes()
    assert release_names.call() == 5


def test_one_takes_back_the_name_that_was_ones_own(client: Client, lena: User) -> None:
    client.force_login(lena)
    assert client.post("/settings/name/", {"username": "lena_m"}).status_code == 302
    assert client.get("/lena/")["Location"] == "/lena_m/"
    assert list(FormerName.objects.values_list("name", flat=True)) == ["lena"]


def test_a_name_that_a_sign_up_waits_with_is_taken(client: Client, ann: User) -> None:
    sign_up(Client(), "eve", "eve@example.org")
    client.force_login(ann)
    page = client.post("/settings/name/", {"username": "eve"})
    assert page.status_code == 422
    assert "someone has that name already" in page.content.decode()


@pytest.mark.parametrize("name", ["a", "an n", "x" * 31, "everyone", "kwippy_support", "", "bob"])
def test_a_name_that_can_not_be_is_said_beside_the_field(client: Client, ann: User, name: str) -> None:
    member("bob")
    client.force_login(ann)
    page = client.post("/settings/name/", {"username": name})
    assert page.status_code == 422
    assert f'value="{name}"' in page.content.decode() or not name
    ann.refresh_from_db()
    assert ann.username == "ann"


def test_one_changes_ones_name_three_times_a_month(client: Client, ann: User) -> None:
    client.force_login(ann)
    client.post("/settings/name/", {"username": "ann"})  # no change
    answers = [client.post("/settings/name/", {"username": f"ann{n}"}) for n in range(4)]
    assert [answer.status_code for answer in answers] == [302, 302, 302, 429]
    assert "ann3" in answers[-1].content.decode()
    ann.refresh_from_db()
    assert (ann.username, ann.version) == ("ann2", 4)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("memcached")
def test_a_rename_purges_the_cached_pages_of_the_old_name() -> None:
    lena = member("lena_m")
    write(lena, "hello")
    site = wrapped(WSGIHandler())

    def asked(path: str) -> Response:
        environ: dict[str, Any] = warming_request(path)
        return response_of(site, environ)

    def text(path: str) -> str:
        answer = asked(path)
        zipped = dict(answer.headers).get("Content-Encoding") == "gzip"
        return (gzip.decompress(answer.body) if zipped else answer.body).decode()

    pages = ("/lena_m/", "/lena_m/feed.atom", "/lena_m/followers/", "/everyone/")
    for path in pages * 2:
        assert asked(path).status.startswith("200")
    names.rename(user_id=lena.pk, username="lena")
    for path in pages[:3] * 2:
        assert asked(path).status.startswith("301")
    assert 'href="/lena/"' in text("/everyone/")
    a_year_passes()
    release_names.call()
    assert asked("/lena_m/").status.startswith("404")
    names.rename(user_id=member("other").pk, username="lena_m")
    assert "lena_m" in text("/lena_m/")
    assert asked("/lena/").status.startswith("200")
