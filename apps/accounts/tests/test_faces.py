"""Drawn faces: that they are many, from what they follow, and what a smiley makes of them."""

import random
from collections import Counter
from itertools import combinations

import pytest

from apps.accounts import faces
from apps.accounts.faces import Face, derived, with_mood
from apps.accounts.templatetags.people import avatar

OWN = Face(colour=12, eyes=1, mouth=4, tilt=1, extra=2)
# Each with the eyes, unless they stay, and the mouth.
SMILEYS = [
    (":)", None, 0), (":-)", None, 0), ("(:", None, 0), ("(;", 1, 0), (":D", None, 1), ("=D", 2, 1),
    (":P", None, 2), (":p", None, 2), (":o", None, 3), (":-O", None, 3), (":]", None, 4), (":3", None, 5),
    (":}", None, 7), (":|", None, 10), (":(", None, 11), (":'(", 10, 11), (":c", None, 11), (":/", None, 12),
    (":\\", None, 12), (":x", None, 13), (":S", None, 14), (":*", None, 15), (";)", 1, 0), (";P", 1, 2),
    ("8-)", 3, 0), ("B-)", 4, 0), ("XD", 5, 1), ("xD", 5, 1), (":)))", None, 0), (":DDD", None, 1),
]  # fmt: skip


def test_a_name_has_its_face_for_ever() -> None:
    assert [derived(name).code for name in ("ann", "bob", "demo")] == ["d1020", "a3420", "g4329"]


def test_faces_are_spread_evenly_over_all_parts() -> None:
    names = [f"person{number}" for number in range(24_000)]
    found = [derived(name) for name in names]
    for place, number in enumerate(faces.DERIVED):
        counted = Counter(face[place] for face in found)
        assert set(counted) == set(range(number))
        expected = len(names) / number
        assert all(abs(count - expected) < 5 * expected**0.5 for count in counted.values())
    # Of 72,000 faces, 24,000 people have about 20,400 different ones.
    assert 20_100 < len(set(found)) < 20_700


def test_of_a_hundred_people_hardly_any_two_are_twins() -> None:
    """By chance 0.069 pairs: one network in fifteen has a pair. Of 64 faces there were 77 pairs in each."""
    chooser = random.Random(1)
    pairs = 0
    for _ in range(500):
        people = [derived(f"someone{chooser.randrange(10**9)}") for _ in range(100)]
        pairs += sum(one == other for one, other in combinations(people, 2))
    assert pairs / 500 < 0.12


@pytest.mark.parametrize(("smiley", "eyes", "mouth"), SMILEYS)
def test_the_first_smiley_is_the_face(smiley: str, eyes: int | None, mouth: int) -> None:
    expected = OWN._replace(eyes=OWN.eyes if eyes is None else eyes, mouth=mouth).code
    for text in (f"tea {smiley} and :( later", smiley, f"({smiley})", f"yes! {smiley}.", f"茶{smiley}"):
        if text.startswith("(") and smiley.startswith("("):
            continue
        assert with_mood("ann", OWN.code, text) == expected, text


@pytest.mark.parametrize(
    "text",
    [
        "", "tea", "https://a.example/x:D", "see http://a.example/:) there", "www.a.example/:P", "`if x :D`",
        "10:30", "16:3", "a::)b", "f(x)", "x) or 8) eight", "C:D", "C:\\", "note:Do", "s:/", "http:// :/x",
        "&;)", ":Design", f"{'tea ' * 150} :)",
    ],
)  # fmt: skip
def test_what_is_no_smiley_leaves_the_face(text: str) -> None:
    assert with_mood("ann", OWN.code, text) == OWN.code


@pytest.mark.parametrize("code", ["", "zzzzz", "a112", "a11200", "-1000", "a1\u066120", "x.webp"[:5]])
def test_a_code_of_another_release_is_no_code(code: str) -> None:
    assert faces.face("ann", code) == derived("ann")


def test_an_upload_stays_whatever_one_writes() -> None:
    assert with_mood("ann", "0f.webp", "yes :D") == "0f.webp"
    assert 'src="/media/avatars/0f.webp"' in avatar("ann", "0f.webp", "m")
