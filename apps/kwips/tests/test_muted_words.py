"""Muted words: which texts have them, and what is a word at all."""

import datetime
import secrets
from collections.abc import Callable

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts.models import User
from apps.graph import muting
from apps.graph.models import MutedWord
from apps.kwips import actions, muted_words
from apps.kwips.models import Kwip
from apps.kwips.muted_words import NoWord
from apps.pictures import actions as pictures
from apps.pictures.models import Picture

pytestmark = pytest.mark.django_db

type Publish = Callable[..., Kwip]


def mute(muter: User, *words: str) -> None:
    for word in words:
        muting.mute_word(muter=muter, **muted_words.parse(word)._asdict(), ends_at=None, is_muffled=False)


def heard(viewer: User) -> set[str]:
    """The texts without a muted word."""
    with connection.cursor() as cursor:
        unworded = muted_words.unworded("true").text
        cursor.execute(f"SELECT k.text FROM kwips_kwip k WHERE {unworded}", {"viewer": viewer.pk})
        return {text for (text,) in cursor.fetchall()}


@pytest.mark.parametrize(
    ("word", "found", "not_found"),
    [
        ("tea", ["Tea", "a TEA.", "té̀a", "#tea", "お茶teaです", "ｔｅａ"], ["teapot", "steak", "tea_pot"]),
        ("Straße", ["STRASSE!", "die straße"], ["strassen"]),
        ("smørrebrød", ["Smorrebrod"], ["smorre"]),
        ("star wars", ["Star-Wars", "STAR  wars"], ["starwars", "star the wars"]),
        ("don't", ["DON’T do it", "don't"], ["dont"]),
        ("हिन्दी", ["मैं हिन्दी में"], ["हिन्दीवाला", "अहिन्दी"]),
        ("東京", ["東京都", "abc東京2020"], ["京東"]),
        ("محمد", ["مُحَمَّد"], ["محمدية"]),
        ("c++", ["c"], ["cc"]),
        ("a.*b", ["a b", "a.*b"], ["a x b", "ab"]),
        ("привет", ["ПРИВЕТ"], ["приветик"]),
        ("#tea", ["#Tea", "＃ＴＥＡ"], ["tea", "#teapot", "example.org/x#tea"]),
    ],
)  # fmt: skip
def test_a_word_is_found_whole_in_any_case_and_with_any_accents(
    ann: User, bob: User, publish: Publish, word: str, found: list[str], not_found: list[str]
) -> None:
    for text in (*found, *not_found):
        publish(bob, text)
    assert heard(ann) == {*found, *not_found}
    mute(ann, word)
    assert heard(ann) == set(not_found)
    assert heard(bob) == {*found, *not_found}


def picture(owner: User, alt: str) -> str:
    name = secrets.token_hex(16)
    until = timezone.now() + datetime.timedelta(days=1)
    facts = {"width": 60, "height": 40, "color": "#bbd26c", "bytes": 1}
    Picture.objects.create(name=name, owner=owner, alt=alt, waits_until=until, **facts)
    return name


def test_a_word_is_found_in_the_texts_of_pictures_and_in_the_note(
    ann: User, bob: User, publish: Publish
) -> None:
    publish(bob, "look", pictures=[picture(bob, "a bridge"), picture(bob, "A kettle, with TEA in it")])
    publish(bob, "and look", pictures=[picture(bob, "a bridge"), picture(bob, "")])
    publish(bob, "read", content_note="about tea")
    publish(bob, "words alone")
    everything = {"look", "and look", "read", "words alone"}
    assert heard(ann) == everything
    mute(ann, "tea")
    assert heard(ann) == {"and look", "words alone"}
    mute(ann, "bridge")
    assert heard(ann) == {"words alone"}
    assert heard(bob) == everything


def test_a_new_text_of_a_picture_counts_at_once(ann: User, bob: User, publish: Publish) -> None:
    name = picture(bob, "a kettle with tea")
    publish(bob, "look", pictures=[name])
    mute(ann, "tea")
    assert heard(ann) == set()
    pictures.describe(owner=bob, name=name, alt="a kettle")
    assert heard(ann) == {"look"}


def test_two_hundred_words_are_one_pattern(ann: User, bob: User, publish: Publish) -> None:
    mute(ann, *(f"word{i}" for i in range(197)), "#tag", "東", "京")
    texts = ["word0", "a word196", "word197", "in 東", "a #tag"]
    for text in texts:
        publish(bob, text)
    assert heard(ann) == {"word197"}


def test_an_edit_takes_the_word_and_the_tag_away(ann: User, bob: User, publish: Publish) -> None:
    mute(ann, "tea", "#milk")
    kwips = [publish(bob, "tea"), publish(bob, "#milk")]
    assert heard(ann) == set()
    for kwip in kwips:
        actions.edit(kwip=kwip, text="water")
    assert heard(ann) == {"water"}


@pytest.mark.parametrize("typed", ["#", "#1", "# tea", "#a b", "!?", " ", "x" * 51, "☕", "ﷺ" * 12])
def test_what_is_no_word_is_refused(db: None, typed: str) -> None:
    with pytest.raises(NoWord):
        muted_words.parse(typed)


def test_the_same_word_in_another_spelling_is_one_mute(ann: User) -> None:
    mute(ann, "Café", "CAFE", " cafe ", "#Tea", "＃tea")
    assert list(MutedWord.objects.order_by("pk").values_list("word", "folded", "is_tag")) == [
        ("cafe", "cafe", False),
        ("#tea", "tea", True),
    ]
