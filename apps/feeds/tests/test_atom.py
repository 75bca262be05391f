"""Atom documents: the timelines of anonymous visitors, for feed readers."""

from xml.etree import ElementTree

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.kwips import actions
from apps.kwips.models import Kwip
from apps.plaintext import clean

pytestmark = pytest.mark.django_db
ATOM = "{http://www.w3.org/2005/Atom}"


def document(client: Client, path: str) -> ElementTree.Element:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/atom+xml; charset=utf-8"
    return ElementTree.fromstring(answer.content)


def texts(element: ElementTree.Element, path: str) -> list[str]:
    return [found.text or "" for found in element.findall("/".join(ATOM + name for name in path.split("/")))]


def test_each_timeline_of_anonymous_visitors_has_its_document(client, ann, bob, publish) -> None:
    publish(ann, "first, with #tea")
    publish(bob, "second")
    assert texts(document(client, "/everyone/feed.atom"), "entry/title") == ["second", "first, with #tea"]
    assert texts(document(client, "/ann/feed.atom"), "entry/title") == ["first, with #tea"]
    assert texts(document(client, "/tag/tea/feed.atom"), "entry/title") == ["first, with #tea"]
    assert texts(document(client, "/ann/feed.atom"), "title") == ["ann (@ann)"]


def test_an_entry_says_who_wrote_what_and_when(client, ann, publish) -> None:
    kwip = publish(ann, "see #tea & <b>, @ann")
    [entry] = document(client, "/ann/feed.atom").findall(f"{ATOM}entry")
    address = f"http://localhost:8000/ann/kwip/{kwip.pk}/"
    assert [link.get("href") for link in entry.findall(f"{ATOM}link")] == [address]
    assert texts(entry, "id") == [address]
    assert texts(entry, "author/name") == ["ann"]
    assert texts(entry, "published") == texts(entry, "updated")
    [html] = texts(entry, "content")
    assert 'href="http://localhost:8000/tag/tea/"' in html
    assert "&amp; &lt;b&gt;" in html
    assert 'href="/' not in html
    actions.edit(kwip=kwip, text="changed")
    [edited] = document(client, "/ann/feed.atom").findall(f"{ATOM}entry")
    assert texts(edited, "id") == [address]
    assert texts(edited, "updated") > texts(edited, "published")


def test_a_long_kwip_is_whole_with_its_tags_and_language(client, ann, publish) -> None:
    publish(ann, "  indented  words\nof a long kwip\n" + "and more of them " * 500 + "#end @ann")
    publish(ann, "今日はいい天気 #空模様")
    publish(ann, "ok")
    found = document(client, "/ann/feed.atom")
    assert found.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"
    assert [
        entry.get("{http://www.w3.org/XML/1998/namespace}lang") for entry in found.findall(f"{ATOM}entry")
    ] == [
        "und",
        "ja",
        "en",
    ]
    html = texts(found, "entry/content")[2]
    assert html.startswith('<p dir="auto">\xa0\xa0indented\xa0 words<br>of')
    assert html.count("and more of them") == 500
    assert html.endswith('<a href="http://localhost:8000/ann/" class="mention" dir="ltr">@ann</a></p>')
    assert [category.get("term") for category in found.iter(f"{ATOM}category")] == ["空模様", "end"]
    assert texts(found, "subtitle") == []


@pytest.mark.parametrize(
    "part",
    ["word ", "&", '"', "a\n\n", "#tag{} ", "https://example.com/?" + "&" * 900 + " ", "👨‍👩‍👧‍👦", "a \t"],
)
def test_a_document_is_bounded_and_what_does_not_fit_leads_to_its_page(client, ann, part: str) -> None:
    text = clean("".join(part.format(n) for n in range(100_000 // len(part)))[:99_000] + "end")
    kwips = [Kwip.objects.create(author=ann, text=text) for _ in range(21)]
    answer = client.get("/ann/feed.atom")
    assert len(answer.content) < 1_500_000
    contents = texts(ElementTree.fromstring(answer.content), "entry/content")
    assert len(contents) == 20
    folded = [html for html in contents if html.endswith("… more</a></p>")]
    assert len(folded) >= 19
    assert f'<a href="http://localhost:8000/ann/kwip/{kwips[1].pk}/">… more</a>' in contents[-1]


def test_a_document_has_only_what_anonymous_visitors_see_for_members_too(client, ann, publish) -> None:
    publish(ann, "between us", followers_only=True)
    client.force_login(ann)
    for path in ("/everyone/feed.atom", "/ann/feed.atom"):
        assert texts(document(client, path), "entry/title") == []


def test_a_document_without_entries_is_the_same_each_time(client, ann) -> None:
    assert client.get("/ann/feed.atom").content == client.get("/ann/feed.atom").content
    assert texts(document(client, "/ann/feed.atom"), "updated") == ["2008-01-01T00:00:00+00:00"]


def test_there_is_one_address_for_each(client, ann, publish) -> None:
    publish(ann, "#tea")
    publish(ann, "#straße")
    for path, address in (
        ("/Ann/feed.atom", "/ann/feed.atom"),
        ("/tag/TEA/feed.atom", "/tag/tea/feed.atom"),
        ("/tag/Straße/feed.atom", "/tag/stra%C3%9Fe/feed.atom"),
    ):
        answer = client.get(path)
        assert (answer.status_code, answer["Location"]) == (301, address), path
        assert client.get(address).status_code == 200
    for path in ("/nobody/feed.atom", "/tag/a%EF%BF%BF/feed.atom"):
        assert client.get(path).status_code == 404, path


def test_a_reader_that_has_a_document_already_is_not_sent_it_again(client, ann, publish) -> None:
    """Without the page cache, which has its own tests."""
    kept = publish(ann, "kept")
    Kwip.objects.filter(pk=kept.pk).update(created_at="2024-01-01T00:00:00Z")
    newest = publish(ann, "newest")
    for path in ("/ann/feed.atom", "/everyone/feed.atom"):
        first = client.get(path)
        since = {"If-Modified-Since": first["Last-Modified"]}
        for method in (client.get, client.head):
            again = method(path, headers=since)
            assert (again.status_code, again.content) == (304, b"")
        # If-None-Match takes precedence.
        assert client.get(path, headers={**since, "If-None-Match": '"x"'}).status_code == 200
        for other in ("Mon, 01 Jan 2024 00:00:00 GMT", "yesterday", "", "Fri, 31 Dec 9999 23:59:59 GMT"):
            assert client.get(path, headers={"If-Modified-Since": other}).status_code == 200
    actions.delete(kwip=newest)
    assert client.get("/ann/feed.atom", headers=since).status_code == 200


def test_a_kwip_says_where_its_authors_document_is(client, ann, publish) -> None:
    page = client.get(f"/ann/kwip/{publish(ann, 'tea').pk}/").content.decode()
    assert 'href="/ann/feed.atom"' in page


def test_pages_say_where_their_document_is(client, ann, publish) -> None:
    publish(ann, "#tea")
    for page, address in (
        ("/", "/everyone/"),
        ("/everyone/", "/everyone/"),
        ("/ann/", "/ann/"),
        ("/tag/tea/", "/tag/tea/"),
    ):
        assert f'href="{address}feed.atom"' in client.get(page).content.decode(), page


def test_what_is_shared_elsewhere_says_what_it_is(client, ann: User, publish) -> None:
    kwip = publish(ann, 'tea "at four" & cake')
    page = client.get(f"/ann/kwip/{kwip.pk}/").content.decode()
    assert '<meta property="og:description" content="tea &quot;at four&quot; &amp; cake">' in page
    assert f'<meta property="og:url" content="http://localhost:8000/ann/kwip/{kwip.pk}/">' in page
