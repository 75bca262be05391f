"""Each shipped language is complete: no page shows a sentence of another one."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from django.conf import settings
from django.utils.translation import get_language_info

from deploy.local import messages

AGAIN = "run `make messages`, and translate what is new"
# Named and numbered places of texts, and the tags of markup.
_PLACE = re.compile(r"%\(\w+\)[a-z]|%[sd]|\{\w*\}")
_TAG = re.compile(r"</?\w+[^>]*>")

by_language = pytest.mark.parametrize("path", messages.files(), ids=lambda path: path.parent.parent.name)


@pytest.fixture(scope="module")
def template() -> Catalog:
    return messages.template()


def texts(message: Message) -> list[tuple[str, str]]:
    """Each translation beside what it is of; the plural for all forms but the first."""
    if isinstance(message.id, str):
        return [(message.id, str(message.string))]
    one, *others = list(message.string or ())
    return [(message.id[0], one), *((message.id[1], other) for other in others)]


def translated(path: Path) -> list[Message]:
    return [message for message in messages.read(path) if message.id]


def test_every_language_has_a_file_and_its_own_name() -> None:
    shipped = {path.parent.parent.name for path in messages.files()}
    assert shipped == {code for code, _ in settings.LANGUAGES} - {"en"}
    for code, name in settings.LANGUAGES:
        assert name.lower() == get_language_info(code)["name_local"].lower()


@by_language
def test_a_language_has_the_messages_of_the_code_and_no_others(path: Path, template: Catalog) -> None:
    def ids(catalog: Catalog) -> set[object]:
        return {(message.context, message.id) for message in catalog if message.id}

    assert ids(template)
    assert ids(messages.read(path)) == ids(template), AGAIN


@by_language
def test_every_message_is_translated(path: Path) -> None:
    left = [m.id for m in translated(path) if m.fuzzy or not all(text for _, text in texts(m))]
    assert left == [], AGAIN


@by_language
def test_a_translation_has_each_plural_form(path: Path) -> None:
    catalog = messages.read(path)
    plural = [message for message in translated(path) if message.pluralizable]
    assert plural
    assert [m.id for m in plural if len(m.string or ()) != catalog.num_plurals] == []


@by_language
def test_a_translation_has_the_places_and_the_tags_of_its_message(path: Path) -> None:
    wrong = []
    for message in translated(path):
        for of, text in texts(message):
            is_one = message.pluralizable and of == message.id[0]
            places = (sorted(_PLACE.findall(of)), sorted(_PLACE.findall(text)))
            # "one person" needs no number.
            is_right = set(places[1]) <= set(places[0]) if is_one else places[0] == places[1]
            if not is_right or sorted(_TAG.findall(of)) != sorted(_TAG.findall(text)):
                wrong.append((of, text))
    assert wrong == []


@by_language
def test_a_translation_begins_and_ends_with_the_white_space_of_its_message(path: Path) -> None:
    wrong = [
        text
        for message in translated(path)
        for of, text in texts(message)
        if (of[:1].isspace(), of[-1:].isspace()) != (text[:1].isspace(), text[-1:].isspace())
    ]
    assert wrong == []


@by_language
def test_the_compiled_file_is_that_of_the_translations(path: Path) -> None:
    assert path.with_suffix(".mo").read_bytes() == messages.compiled(messages.read(path)), AGAIN
    assert path.read_bytes() == messages.updated(path), AGAIN
