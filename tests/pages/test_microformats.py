"""Machine-readable data of pages: microformats, titles, canonical URLs."""

import datetime
import uuid
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import mf2py
import pytest
from django.test import Client

from apps.accounts.actions import change_profile
from apps.accounts.models import User
from apps.kwips import actions
from apps.kwips.models import Kwip

pytestmark = pytest.mark.django_db
SITE = "http://localhost:8000"


@pytest.fixture
def ann() -> User:
    person = User.objects.create_user("ann", "ann@example.org", display_name="Ann O'Tea", bio="tea")
    User.objects.filter(pk=person.pk).update(picture="face.webp")
    return person


@pytest.fixture
def bob() -> User:
    return User.objects.create_user("bob", "bob@example.org")


def write(author: User, text: str = "a cup of #tea") -> Kwip:
    return actions.publish(author=author, text=text, form_key=uuid.uuid4()).kwip


def reply(author: User, thread: Kwip, text: str = "with milk?") -> Kwip:
    return actions.comment(author=author, thread=thread, text=text, form_key=uuid.uuid4()).kwip


def items(client: Client, path: str) -> list[dict[str, Any]]:
    answer = client.get(path)
    assert answer.status_code == 200
    found: list[dict[str, Any]] = mf2py.parse(doc=answer.content.decode(), url=SITE + path)["items"]
    return found


def of_type(found: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [item for item in found if kind in item["type"]]


def test_a_timeline_is_a_feed_with_a_name_whose_entries_say_who_wrote_what_and_when(
    client: Client, ann: User, bob: User
) -> None:
    kwip = write(ann)
    reply(ann, kwip, "more #tea")
    for path, name in {
        "/": "everyone",
        "/everyone/": "everyone",
        "/ann/": "Ann O'Tea",
        "/ann/comments/": "comments by Ann O'Tea",
        "/tag/tea/": "#tea",
    }.items():
        [feed] = of_type(items(client, path), "h-feed")
        assert feed["properties"]["name"] == [name], path
        for entry in of_type(feed["children"], "h-entry"):
            properties = entry["properties"]
            assert properties["uid"] == properties["url"]
            assert properties["url"][0].startswith(f"{SITE}/ann/kwip/")
            written = Kwip.objects.get(pk=properties["url"][0].split("/")[-2]).created_at
            [published] = properties["published"]
            assert datetime.datetime.fromisoformat(published) == written.replace(microsecond=0)
            [author] = properties["author"]
            assert author["type"] == ["h-card"]
            assert author["properties"]["name"] == ["Ann O'Tea"]
            assert author["properties"]["url"] == [f"{SITE}/ann/"]
            assert author["properties"]["photo"] == [f"{SITE}/media/avatars/face.webp"]
            assert "#tea" in properties["content"][0]["value"]
            assert "photo" not in properties, "a picture of its author is none of the kwip"
    assert len(of_type(of_type(items(client, "/ann/"), "h-feed")[0]["children"], "h-entry")) == 1


def test_a_conversation_is_one_entry_whose_comments_are_cited_in_it(
    client: Client, ann: User, bob: User
) -> None:
    kwip = write(ann)
    comments = [reply(bob, kwip), reply(ann, kwip, "no")]
    path = f"/ann/kwip/{kwip.pk}/"
    [entry] = of_type(items(client, path), "h-entry")
    properties = entry["properties"]
    assert properties["url"] == properties["uid"] == [SITE + path]
    assert properties["content"][0]["value"].strip() == "a cup of #tea"
    assert len(properties["published"]) == 1
    assert [author["properties"]["url"] for author in properties["author"]] == [[f"{SITE}/ann/"]]
    cited = properties["comment"]
    assert [comment["type"] for comment in cited] == [["h-cite"]] * 2
    for comment, written in zip(cited, comments, strict=True):
        said = comment["properties"]
        name = written.author.username
        assert said["url"] == said["uid"] == [f"{SITE}/{name}/kwip/{written.pk}/"]
        assert [author["properties"]["url"] for author in said["author"]] == [[f"{SITE}/{name}/"]]
        assert len(said["published"]) == 1
        assert said["content"][0]["value"].strip() == written.text
    assert "photo" not in cited[0]["properties"]["author"][0]["properties"], "bob has none of his own"


def test_a_person_is_a_card_with_what_they_say_of_themselves_and_their_links(
    client: Client, ann: User
) -> None:
    urls = ["https://ann.example/", "http://tea.example/ann"]
    about = {"display_name": "Ann O'Tea", "bio": "tea", "pronouns": "she/her", "location": "by the sea"}
    change_profile(user=ann, urls=urls, **about)
    parsed = mf2py.parse(doc=client.get("/ann/").content.decode(), url=f"{SITE}/ann/")
    [card] = of_type(parsed["items"], "h-card")
    assert card["properties"]["url"] == [f"{SITE}/ann/", *urls]
    assert card["properties"]["note"] == ["tea"]
    assert card["properties"]["locality"] == ["by the sea"]
    assert card["properties"]["pronouns"] == ["she/her"]
    assert parsed["rels"]["me"] == urls


def test_a_person_is_a_card_with_their_picture(client: Client, ann: User) -> None:
    card = of_type(items(client, "/ann/"), "h-card")[0]["properties"]
    assert card["photo"] == [f"{SITE}/media/avatars/face.webp"]
    assert card["url"] == [f"{SITE}/ann/"]
    assert card["nickname"] == ["ann"]


class Tags(HTMLParser):
    """The start tags of a page with their attributes, and its title."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.title = ""
        self._in_title = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._in_title = tag == "title" and not self.title

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False


def pages(kwip: Kwip) -> Iterator[str]:
    yield from (
        "/",
        "/everyone/",
        "/about/",
        "/contact/",
        "/accounts/login/",
        "/accounts/signup/",
        "/nobody/",
    )
    yield from (
        f"/ann/{tab}" for tab in ("", "comments/", "favourites/", "shares/", "followers/", "following/")
    )
    yield from (f"/ann/kwip/{kwip.pk}/", f"/ann/kwip/{kwip.pk}/history/", "/tag/tea/", "/tag/nothing/")
    yield from ("/kwip/", "/settings/", f"/kwip/{kwip.pk}/edit/", f"/kwip/{kwip.pk}/delete/")
    yield from (f"/kwip/{kwip.pk}/comment/", "/accounts/email/", "/accounts/sessions/", "/accounts/logout/")


@pytest.mark.parametrize("member", [False, True])
def test_titles_descriptions_and_classes_have_no_stray_spaces(
    client: Client, ann: User, member: bool
) -> None:
    kwip = write(ann, "two  spaces\nand a line " + "of #tea " * 50)
    reply(ann, kwip)
    if member:
        client.force_login(ann)
    for path in pages(kwip):
        page = Tags(client.get(path, follow=True).content.decode())
        assert page.title == " ".join(page.title.split()) != "", path
        for tag, attributes in page.found:
            value = attributes.get("class", "x")
            assert value, (path, tag, attributes)
            assert value == " ".join(value.split()), (path, tag, value)
            if tag == "meta" and attributes.get("name") == "description":
                content = attributes["content"] or ""
                assert content == " ".join(content.split()) != "", path


def test_each_page_of_a_list_is_its_own_canonical_address(client: Client, ann: User) -> None:
    kwip = write(ann)
    for n in range(45):
        write(ann, f"kwip {n} #tea")
    for n in range(101):
        reply(ann, kwip, f"comment {n} #tea")
    lists = [
        f"/ann/kwip/{kwip.pk}/",
        "/ann/",
        "/ann/?sort=active",
        "/everyone/",
        "/ann/comments/",
        "/tag/tea/",
    ]
    for start in lists:
        walked: list[str] = []
        path = start
        while path and len(walked) < 4:
            page = Tags(client.get(path).content.decode())
            links = {
                a["rel"]: a["href"] or ""
                for _, a in page.found
                if a.get("rel") in ("canonical", "next", "prev")
            }
            canonical = links["canonical"]
            assert canonical
            assert client.get(canonical.removeprefix(SITE)).status_code == 200
            walked.append(canonical)
            if len(walked) > 1:
                assert parse_qs(urlsplit(canonical).query) == parse_qs(urlsplit(path).query)
                assert links["prev"]
            else:
                assert canonical == SITE + start.partition("?")[0]
            path = urlsplit(start).path + links["next"] if "next" in links else ""
        assert len(set(walked)) == len(walked) >= 3, start


def test_what_is_added_to_an_address_is_in_no_canonical_one(client: Client, ann: User) -> None:
    for added in ("?utm_source=x", "?sort=active", "?next=/", '?x="><script>'):
        page = Tags(client.get(f"/ann/{added}").content.decode())
        [canonical] = [a["href"] for _, a in page.found if a.get("rel") == "canonical"]
        assert canonical == f"{SITE}/ann/"
