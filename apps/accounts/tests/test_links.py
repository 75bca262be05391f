"""Links on a person's page: bounded, kept on errors, and marked while the linked page links back."""

import datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from apps.accounts import guarded_fetch, links, names
from apps.accounts.actions import change_profile
from apps.accounts.guarded_fetch import Guard, Page, Unreadable
from apps.accounts.models import ProfileLink, User
from apps.commandqueue.models import Command
from tests.support.people import member

pytestmark = pytest.mark.django_db
URL = "https://ann.example/"
BACK = '<a rel="nofollow ME" href="http://localhost:8000/ann/">'


@pytest.fixture
def ann() -> User:
    return member("ann")


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The web, in place of the network: a page by its address."""
    found: dict[str, str] = {}

    def fetch(url: str, guard: Guard) -> Page:
        assert guard is links.guard()
        if url not in found:
            raise Unreadable("404")
        return Page(url, found[url])

    monkeypatch.setattr(links, "fetch", fetch)
    return found


def change(user: User, *urls: str) -> None:
    change_profile(user=user, display_name="", bio="", urls=urls)


def checked(user: User) -> bool:
    [link] = links.of(user.pk)
    return links.check.func(link.pk)


def page(username: str = "ann") -> str:
    return Client().get(f"/{username}/").content.decode()


def test_the_page_shows_links_pronouns_and_place(client: Client, ann: User) -> None:
    client.force_login(ann)
    form = {"display_name": "", "bio": "", "pronouns": " she/her\u202e ", "location": "by the  sea"}
    form |= {
        "link_1": "ann.example",
        "link_2": "http://b.example/x",
        "link_3": "",
        "link_4": "https://ann.example",
    }
    assert client.post("/settings/", form).status_code == 302
    assert [link.url for link in links.of(ann.pk)] == ["https://ann.example", "http://b.example/x"]
    shown = page()
    for piece in ("she/her", "by the sea", 'rel="me nofollow noopener"', 'href="http://b.example/x"'):
        assert piece in shown
    assert "\u202e" not in shown
    assert "links back" not in shown
    settings = client.get("/settings/").content.decode()
    assert 'value="http://b.example/x"' in settings
    assert 'value="she/her"' in settings


@pytest.mark.parametrize(
    "wrong",
    [
        "javascript:alert(1)",
        "ftp://a.example/",
        "https://a:b@c.example/",
        "no address",
        "https://a.example/" + "x" * 200,
    ],
)
def test_what_is_no_web_address_gets_an_error_and_all_that_was_typed_stays(
    client: Client, ann: User, wrong: str
) -> None:
    client.force_login(ann)
    form = {
        "display_name": "Ann",
        "bio": "tea",
        "pronouns": "she",
        "location": "here",
        "link_1": URL,
        "link_3": wrong,
    }
    answer = client.post("/settings/", form)
    assert answer.status_code == 422
    for typed in form.values():
        assert typed in answer.content.decode()
    assert links.of(ann.pk) == []
    long = client.post("/settings/", form | {"link_3": "", "pronouns": "x" * 41, "location": "y" * 61})
    assert long.status_code == 422
    assert "x" * 41 in long.content.decode()


def test_there_are_four_at_most_also_in_the_table(ann: User) -> None:
    change(ann, *(f"https://{n}.example/" for n in range(4)))
    with pytest.raises(IntegrityError), transaction.atomic():
        ProfileLink.objects.create(person=ann, position=4, url=URL)
    with pytest.raises(IntegrityError), transaction.atomic():
        ProfileLink.objects.create(person=ann, position=3, url=URL)


def test_a_link_is_marked_once_the_page_links_back_and_no_longer_when_it_does_not(
    ann: User, pages: dict[str, str]
) -> None:
    change(ann, URL)
    assert not checked(ann)
    pages[URL] = BACK
    assert checked(ann)
    assert "links back here" in page()
    pages[URL] = "<p>moved on"
    assert not checked(ann)
    assert "links back here" not in page()


def test_a_new_link_is_checked_at_once_and_another_keeps_its_mark(ann: User, pages: dict[str, str]) -> None:
    pages[URL] = BACK
    change(ann, URL)
    assert checked(ann)
    Command.objects.all().delete()
    change(ann, "https://new.example/", URL)
    new, kept = links.of(ann.pk)
    assert kept.verified_at
    assert not new.verified_at
    [command] = Command.objects.filter(task=links.check.module_path)
    assert command.arguments == {"args": [new.pk], "kwargs": {}}
    change(ann, "https://new.example/", URL)
    assert Command.objects.count() == 1


def test_links_are_checked_again_after_a_week(ann: User, pages: dict[str, str]) -> None:
    pages[URL] = BACK
    change(ann, URL)
    assert checked(ann)
    Command.objects.all().delete()
    assert links.check_due.func() == 0
    ProfileLink.objects.update(check_at=timezone.now())
    assert links.check_due.func() == 1
    assert links.check_due.func() == 0, "it waits for the result"
    assert Command.objects.filter(task=links.check.module_path).count() == 1
    checked(ann)
    [link] = links.of(ann.pk)
    assert abs(link.check_at - timezone.now() - links.EVERY) < datetime.timedelta(minutes=5)


def test_a_link_by_http_is_shown_and_never_read(ann: User) -> None:
    change(ann, "http://ann.example/")
    ProfileLink.objects.update(check_at=timezone.now())
    assert links.check_due.func() == 0
    assert not Command.objects.filter(task=links.check.module_path).exists()
    assert 'href="http://ann.example/"' in page()


def test_a_page_that_cannot_be_read_keeps_its_mark_for_a_while(ann: User, pages: dict[str, str]) -> None:
    pages[URL] = BACK
    change(ann, URL)
    assert checked(ann)
    del pages[URL]
    assert checked(ann)
    ProfileLink.objects.update(verified_at=timezone.now() - links.PATIENCE)
    assert not checked(ann)


def test_a_host_is_asked_a_bounded_number_of_times(ann: User, pages: dict[str, str], settings: Any) -> None:
    settings.LIMITS = settings.LIMITS | {"link_check": "1/1h"}
    pages[URL] = BACK
    change(ann, URL)
    assert checked(ann)
    pages[URL] = ""
    assert not checked(ann)
    assert links.of(ann.pk)[0].verified_at, "nothing was read"


def test_a_link_that_changed_while_its_page_was_read_gets_no_mark(
    ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(url: str, guard: Guard) -> Page:
        change(ann, "https://evil.example/")
        return Page(url, BACK)

    monkeypatch.setattr(links, "fetch", fetch)
    change(ann, URL)
    assert not checked(ann)
    assert not links.of(ann.pk)[0].verified_at


def test_a_link_to_a_former_name_counts_while_that_name_leads_here(ann: User, pages: dict[str, str]) -> None:
    pages[URL] = BACK
    change(ann, URL)
    names.rename(user_id=ann.pk, username="teapot")
    assert checked(ann)
    assert "links back here" in page("teapot")


@pytest.mark.parametrize(
    "html",
    [
        '<link rel=me href="//LOCALHOST:8000/ann">'.replace("//", "http://"),
        "<A HREF='http://localhost:8000/ann/#top' class=x REL='me noopener'>",
        '<script>"<a"</script><!-- > --><p><a\nrel="me"\nhref="http://localhost:8000/ann/">',
    ],
)
def test_ways_to_link_back(html: str) -> None:
    assert links.links_back(Page(URL, html), {"ann"})


@pytest.mark.parametrize(
    "html",
    [
        '<a href="http://localhost:8000/ann/">',
        '<a rel="home" href="http://localhost:8000/ann/">',
        '<a rel="me" href="http://localhost:8000/bob/">',
        '<a rel="me" href="http://localhost:8000/ann/kwip/1/">',
        '<a rel="me" href="http://localhost:8000/?next=/ann/">',
        '<a rel="me" href="http://localhost:8000.evil.example/ann/">',
        '<a rel="me" href="/ann/">',
        '<a rel="me" href="http://[/ann/">',
        f"<!-- {BACK} -->",
        f"<script>x = '{BACK}'</script>",
        f"<textarea>{BACK}</textarea>",
        f"<title>{BACK}",
        "<abbr rel=me href=http://localhost:8000/ann/>",
    ],
)
def test_what_is_no_link_back(html: str) -> None:
    assert not links.links_back(Page(URL, html), {"ann"})


@pytest.mark.parametrize("piece", ["<", "<a ", "<!--", '<a href="', "<script>", "<a rel=me href=x "])
def test_a_hostile_page_is_parsed_in_linear_time(piece: str) -> None:
    """In more than linear time these would take minutes."""
    html = piece * (guarded_fetch.BYTES // len(piece))
    assert not links.links_back(Page(URL, html), {"ann"})
