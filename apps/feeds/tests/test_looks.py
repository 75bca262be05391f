"""Who wrote since a member last looked, by the cookie of the browser."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.feeds import looks
from apps.graph.muting import mute_person
from apps.kwips import sharing
from apps.kwips.models import Kwip

pytestmark = pytest.mark.django_db
type Publish = Callable[..., Kwip]
type Follow = Callable[[User, User], None]


@pytest.fixture
def reader(client: Client, ann: User, bob: User, follow: Follow, publish: Publish) -> Client:
    """Ann, who follows bob and has looked."""
    follow(ann, bob)
    publish(bob)
    client.force_login(ann)
    assert faces(client) == []
    return client


def faces(client: Client, path: str = "/") -> list[str]:
    return [writer.username for writer in client.get(path).context.get("writers", [])]


def test_they_stay_for_the_visit_and_are_gone_at_the_next(
    reader: Client, bob: User, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(bob)
    assert faces(reader) == faces(reader) == ["bob"]
    monkeypatch.setattr(looks, "VISIT", -1)
    assert faces(reader) == []
    publish(bob)
    assert faces(reader) == ["bob"]


def test_they_are_those_whose_own_words_the_page_shows(
    reader: Client, ann: User, bob: User, follow: Follow, publish: Publish
) -> None:
    cee, dee = (User.objects.create_user(name, f"{name}@example.org") for name in ("cee", "dee"))
    follow(ann, cee)
    publish(ann)
    publish(cee)
    mute_person(muter=ann, muted=cee, ends_at=None, is_muffled=True)
    sharing.share(kwip=publish(dee), user=bob)
    assert faces(reader) == []
    assert faces(reader, "/?sort=active") == []


def test_there_are_ten_at_most(reader: Client, ann: User, follow: Follow, publish: Publish) -> None:
    for number in range(looks.SHOWN + 1):
        person = User.objects.create_user(f"pat{number}", f"p{number}@example.org")
        follow(ann, person)
        publish(person)
    assert faces(reader) == [f"pat{number}" for number in range(looks.SHOWN, 0, -1)]


@pytest.mark.parametrize("value", ["", "1.2.3", "a.1.1.1", "1.1.1.1" * 30, "1.-1.1.1"])
def test_a_cookie_that_is_broken_counts_as_none(
    reader: Client, bob: User, publish: Publish, value: str
) -> None:
    publish(bob)
    reader.cookies[looks.COOKIE] = value
    assert faces(reader) == []
    assert looks._VALUE.fullmatch(reader.cookies[looks.COOKIE].value)


def test_it_is_of_one_member_and_no_script_reads_it(
    reader: Client, ann: User, bob: User, follow: Follow, publish: Publish
) -> None:
    of_ann = reader.cookies[looks.COOKIE]
    assert (of_ann["httponly"], of_ann["samesite"], of_ann["max-age"]) == (True, "Lax", looks.DAYS * 86_400)
    publish(ann)
    follow(bob, ann)
    client = Client()
    client.force_login(bob)
    client.cookies[looks.COOKIE] = of_ann.value
    assert faces(client) == []


def test_visitors_and_other_pages_get_no_cookie(reader: Client) -> None:
    del reader.cookies[looks.COOKIE]
    for client, path in ((Client(), "/"), (reader, "/everyone/"), (reader, "/?sort=active")):
        client.get(path)
        assert looks.COOKIE not in client.cookies
