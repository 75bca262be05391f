"""`GET /api/network/`: a program reads what the page shows to the token's owner."""

import datetime
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.graph import muting
from apps.graph.actions import follow
from apps.graph.blocking import block
from apps.kwips import actions, sharing
from apps.kwips.models import Kwip
from apps.pictures.models import Picture
from apps.tokens.models import Scope
from apps.tokens.tests.conftest import Program, token_of
from tests.support.people import member


def write(author: User, text: str, **options: Any) -> Kwip:
    return actions.publish(author=author, text=text, form_key=uuid.uuid4(), **options).kwip


def texts(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [kwip["text"] for kwip in answer.json()]


def links(answer) -> dict[str, str]:
    found = re.findall(r'<http://localhost:8000(/api/network/\?[^>]+)>; rel="(\w+)"', answer.get("Link", ""))
    return {rel: path for path, rel in found}


def test_a_kwip_of_the_network_with_its_facts(ann: User, program: Program) -> None:
    bob = member("bob")
    follow(follower=ann, followee=bob)
    kwip = write(bob, "a cup of #tea", followers_only=True)
    actions.comment(author=ann, thread=kwip, text="nice", form_key=uuid.uuid4())
    actions.favourite(kwip=kwip, user=ann)
    [found] = program.get().json()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found.pop("created_at"))
    assert found == {
        "id": str(kwip.pk),
        "url": f"http://localhost:8000/bob/kwip/{kwip.pk}/",
        "author": {"username": "bob", "name": "bob", "url": "http://localhost:8000/bob/"},
        "edited_at": None,
        "text": "a cup of #tea",
        "is_whole": True,
        "content_note": "",
        "is_formatted": True,
        "is_sensitive": False,
        "pictures": [],
        "followers_only": True,
        "is_held": False,
        "is_hidden": False,
        "comments_count": 1,
        "favourites_count": 1,
        "shares_count": 0,
        "shared_by": None,
        "muffled_by": None,
    }


@pytest.mark.asvs("15.3.1", "8.2.3")
def test_it_is_what_the_page_shows_and_no_more(ann: User, program: Program) -> None:
    people = {name: member(name) for name in ("bob", "cee", "dee", "eve", "fay", "gil")}
    for name in ("bob", "cee", "dee", "eve", "fay"):
        follow(follower=ann, followee=people[name])
    for name, person in people.items():
        write(person, f"public of {name}")
        write(person, f"for followers of {name}", followers_only=True)
    sharing.share(kwip=Kwip.objects.get(text="public of gil"), user=people["bob"])
    muting.mute_person(muter=ann, muted=people["cee"], ends_at=None, is_muffled=False)
    muting.mute_person(muter=ann, muted=people["dee"], ends_at=None, is_muffled=True)
    block(blocker=people["eve"], blocked=ann)
    write(people["fay"], "about gin")
    muting.mute_word(muter=ann, word="gin", folded="gin", is_tag=False, ends_at=None, is_muffled=False)
    write(people["fay"], "held", is_held=True)
    answer = program.get()
    browser = Client()
    browser.force_login(ann)
    page = browser.get("/").content.decode()
    shown = re.findall(r'id="kwip-(-?\d+)"', page)
    assert [kwip["id"] for kwip in answer.json()] == shown
    assert set(texts(answer)) == {
        "public of bob", "for followers of bob", "public of dee", "for followers of dee", "public of fay",
        "for followers of fay", "public of gil",
    }  # fmt: skip
    by_text = {kwip["text"]: kwip for kwip in answer.json()}
    assert by_text["public of gil"]["shared_by"] == "bob"
    assert by_text["public of dee"]["muffled_by"] == {"kind": "person", "name": "dee"}


def test_links_lead_through_all_of_it_and_back(ann: User, program: Program) -> None:
    for number in range(7):
        write(ann, f"kwip {number}")
    answer = program.get("/api/network/?limit=3")
    pages = [texts(answer)]
    assert set(links(answer)) == {"next"}
    while path := links(answer).get("next"):
        answer = program.get(path)
        pages.append(texts(answer))
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [text for page in pages for text in page] == [f"kwip {number}" for number in reversed(range(7))]
    assert texts(program.get(links(answer)["prev"])) == pages[1]


def test_a_page_of_the_longest_texts_is_bounded(ann: User, program: Program) -> None:
    for _ in range(2):
        write(ann, "x" * 100_000)
    write(ann, "y" * 5_000)
    answer = program.get("/api/network?limit=40")
    assert [(len(kwip["text"]), kwip["is_whole"]) for kwip in answer.json()] == [
        (5_000, True), (5_000, False), (5_000, False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=41", "limit=-1", "limit=x", "limit=", "limit=٣", "limit=99999999", "before=x",
              "before=2AAAA&after=2AAAA"],
)  # fmt: skip
def test_a_page_that_is_none_is_refused_in_clear_words(program: Program, query: str) -> None:
    answer = program.get(f"/api/network/?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_reading_is_limited_by_person_whatever_token_they_use(
    ann: User, program: Program, limited: Callable[..., None]
) -> None:
    limited(api_read="2/1m")
    other = Program(token_of(ann))
    assert [one.get().status_code for one in (program, other, program, other)] == [200, 200, 429, 429]
    assert int(program.get()["Retry-After"]) > 0
    assert Program(token_of(member("bob"))).get().status_code == 200


def test_a_token_that_only_writes_does_not_read(ann: User) -> None:
    answer = Program(token_of(ann, Scope.WRITE_KWIPS)).get()
    assert answer.status_code == 403
    assert 'scope="read_network"' in answer["WWW-Authenticate"]


@pytest.mark.django_db(transaction=True)
def test_a_page_costs_the_same_number_of_queries_whatever_is_on_it(
    ann: User, program: Program, django_assert_num_queries
) -> None:
    bob = member("bob")
    follow(follower=ann, followee=bob)
    for number in range(20):
        write(bob, f"kwip {number}")
    program.get()  # notes the use, and caches the owner
    # The token, the limit, the timeline, the cards.
    with django_assert_num_queries(4):
        assert len(program.get().json()) == 20


def test_a_kwip_has_its_note_and_its_pictures(ann: User, program: Program) -> None:
    name = "0" * 32
    until = timezone.now() + datetime.timedelta(days=1)
    Picture.objects.create(
        name=name, owner=ann, width=60, height=40, color="#bbd26c", bytes=1, waits_until=until, alt="a cup"
    )
    write(ann, "`tea`", content_note="drinks", pictures=[name], is_sensitive=True)
    [shown] = program.get("/api/network/").json()
    assert (shown["content_note"], shown["is_formatted"], shown["is_sensitive"]) == ("drinks", True, True)
    [picture] = shown["pictures"]
    assert (picture["alt"], picture["width"], picture["height"]) == ("a cup", 60, 40)
    assert name in picture["url"]
