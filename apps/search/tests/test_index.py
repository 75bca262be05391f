"""The index follows what is written, and is built for what was there before."""

import uuid
from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.db import connection

from apps.accounts import names
from apps.accounts.actions import switch_off, switch_on
from apps.accounts.models import User
from apps.kwips import actions
from apps.kwips.models import Kwip, Tag
from apps.search import index, queries
from apps.search.models import Entry, PersonName, TagName
from apps.search.query import parse

type Publish = Callable[..., Kwip]


def found(text: str, viewer: User | None = None) -> list[int]:
    return [entry.id for entry in queries.kwips(parse(text), {}, viewer=viewer, keep={})]


def people(text: str, viewer: User | None = None) -> list[str]:
    return [person.username for person in queries.people(text, viewer_id=viewer.pk if viewer else None)]


def test_a_kwip_and_a_comment_are_found_as_they_are_now(
    ann: User, bob: User, publish: Publish, comment: Publish
) -> None:
    kwip = publish(ann, "a cup of tea")
    said = comment(bob, kwip, "with milk")
    assert (found("tea"), found("milk")) == ([kwip.pk], [said.pk])
    actions.edit(kwip=said, text="with sugar #sweet")
    assert (found("milk"), found("sugar"), found("#sweet")) == ([], [said.pk], [said.pk])
    actions.delete(kwip=kwip)
    assert (found("tea"), found("sugar")) == ([], [])
    assert not Entry.objects.exists()


def test_a_form_that_is_sent_twice_is_found_once(ann: User) -> None:
    key = uuid.uuid4()
    kwip = actions.publish(author=ann, text="tea", form_key=key).kwip
    assert actions.publish(author=ann, text="tea", form_key=key).kwip.pk == kwip.pk
    assert found("tea") == [kwip.pk]


def test_a_person_who_is_switched_off_is_found_nowhere(ann: User, bob: User, publish: Publish) -> None:
    kwip = publish(ann, "tea at #four")
    switch_off(people=[ann], by=None)
    assert (found("tea"), people("ann"), queries.tags("four", viewer_id=bob.pk)) == ([], [], [])
    switch_on(people=[ann], by=None)
    assert (found("tea"), people("ann"), queries.tags("four", viewer_id=bob.pk)) == (
        [kwip.pk],
        ["ann"],
        ["four"],
    )


def test_older_kwips_of_a_person_who_was_just_switched_off_are_not_found(ann: User, publish: Publish) -> None:
    """They are withheld by a command, later."""
    publish(ann, "tea")
    User.objects.filter(pk=ann.pk).update(is_active=False)
    assert found("tea") == []


def test_a_person_who_is_limited_is_found_nowhere(
    ann: User, bob: User, publish: Publish, follow: Callable[..., None]
) -> None:
    follow(bob, ann)
    publish(ann, "tea at #four")
    User.objects.filter(pk=ann.pk).update(is_limited=True)
    for viewer in (None, bob):
        assert (found("tea", viewer), people("ann", viewer)) == ([], [])
        assert queries.tags("four", viewer_id=viewer.pk if viewer else None) == []


NAMES = [
    ("東京太郎", "東京"), ("東京太郎", "太郎"), ("東京太郎", "郎"), ("สมชาย", "ชาย"), ("김민준", "민준"),
    ("राम कुमार", "राम"), ("राम कुमार", "कुमा"), ("محمد علي", "مُحَمَّد"), ("محمد علي", "علی"),
    ("Søren Kjær", "soren"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "part"), NAMES)
def test_people_are_found_by_a_part_of_a_name_in_any_script(ann: User, name: str, part: str) -> None:
    ann.display_name = name
    ann.save()
    index.name_people([ann])
    assert people(part) == people(name) == ["ann"]
    assert people("茶") == []


def test_people_are_found_by_either_name_and_by_a_part_of_it_the_very_name_first(
    ann: User, bob: User
) -> None:
    anna = User.objects.create_user("annabel", "annabel@example.org", display_name="Zoë Müller")
    assert people("ann") == ["ann", "annabel"]
    assert people("@ANN")[0] == "ann"
    assert people("zoe") == people("Müller") == people("muler") == ["annabel"]
    anna.display_name = "Ira"
    anna.save()
    names.rename(user_id=anna.pk, username="irene")
    assert (people("zoe"), people("ira"), people("irene")) == ([], ["irene"], ["irene"])
    anna.delete()
    assert not PersonName.objects.filter(name__contains="irene").exists()


def test_tags_are_found_without_accents_and_only_where_the_viewer_may_see_a_kwip(
    ann: User, bob: User, publish: Publish
) -> None:
    publish(ann, "#café", followers_only=True)
    publish(ann, "#cafeteria")
    assert queries.tags("#Cafe", viewer_id=None) == ["cafeteria"]
    assert queries.tags("cafe", viewer_id=bob.pk) == ["cafeteria"]
    assert queries.tags("cafe", viewer_id=ann.pk) == ["café", "cafeteria"]
    kwip = publish(ann, "hm")
    actions.edit(kwip=kwip, text="#caffeine")
    assert "caffeine" in queries.tags("caffe", viewer_id=None)


def lose_the_index() -> None:
    for model in (Entry, PersonName, TagName):
        model.objects.all().delete()


def test_the_command_indexes_what_is_missing_and_goes_on_where_it_stopped(
    ann: User, bob: User, publish: Publish, comment: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    kwips = [publish(ann, f"tea #cup{number}") for number in range(7)]
    said = comment(bob, kwips[0], "tea too")
    lose_the_index()
    assert (found("tea"), people("ann")) == ([], [])
    monkeypatch.setattr(index, "WINDOW", 3)
    monkeypatch.setattr(index, "BATCH", 2)
    # Stopped after two windows: the newest come first.
    progress = index.build()
    next(progress), next(progress)
    some = found("tea")
    assert 0 < len(some) < 8
    assert some == [said.pk, *(kwip.pk for kwip in reversed(kwips))][: len(some)]
    call_command("searchindex")
    assert found("tea") == [said.pk, *(kwip.pk for kwip in reversed(kwips))]
    assert people("ann") == ["ann"]
    assert TagName.objects.count() == Tag.objects.count() == 7
    # What is there is not written again.
    assert sum(step.written for step in index.build()) == 0


def test_the_command_skips_gaps_and_finds_what_is_below_zero(ann: User, publish: Publish) -> None:
    kwip = publish(ann, "tea")
    Kwip.objects.filter(pk=kwip.pk).update(id=10**12)
    Kwip.objects.create(pk=-7, author=ann, text="tea, long ago", form_key=uuid.uuid4())
    lose_the_index()
    steps = list(index.build())
    assert len(steps) < 20
    assert found("tea") == [10**12, -7]
    assert [(step.done, step.total) for step in steps if step.what == "kwips"][-1] == (10**12 + 8,) * 2


def test_the_command_indexes_everything_again_if_told_to(ann: User, publish: Publish) -> None:
    kwip = publish(ann, "tea")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE search_entry SET words = 'coffee'::tsvector")
    call_command("searchindex")
    assert found("tea") == []
    call_command("searchindex", again=True)
    assert found("tea") == [kwip.pk]


def test_the_index_that_the_command_builds_is_that_of_the_write(ann: User, publish: Publish) -> None:
    publish(ann, 'Tea & "milk" with 茶 #cups')
    words = list(Entry.objects.values_list("words"))
    lose_the_index()
    call_command("searchindex")
    assert list(Entry.objects.values_list("words")) == words
