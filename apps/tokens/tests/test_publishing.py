"""`POST /api/kwips/`: a program publishes as the page does."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from apps.accounts import actions as accounts
from apps.accounts.models import User
from apps.kwips import actions
from apps.kwips.models import TEXT_LIMIT, Kwip, Visibility
from apps.tokens.models import Scope
from apps.tokens.tests.conftest import Program, token_of

FORM = "application/x-www-form-urlencoded"


def test_a_kwip_is_published_and_its_address_is_the_answer(ann: User, program: Program) -> None:
    answer = program.post({"text": "a cup of #tea ☕"})
    assert answer.status_code == 201
    kwip = Kwip.objects.get()
    made = answer.json()
    assert made == {
        "id": str(kwip.pk),
        "url": f"http://localhost:8000/ann/kwip/{kwip.pk}/",
        "created_at": kwip.created_at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{kwip.created_at:%f}"[:3] + "Z",
        "text": "a cup of #tea ☕",
        "followers_only": False,
        "is_held": False,
    }
    assert answer["Location"] == made["url"]
    assert (kwip.author, kwip.text) == (ann, made["text"])
    assert "a cup of" in Client().get("/ann/").content.decode()


@pytest.mark.parametrize("path", ["/api/kwips/", "/api/kwips"])
def test_a_form_is_as_good_as_json_and_the_last_slash_is_no_matter(program: Program, path: str) -> None:
    body = urlencode({"text": "tea & cake", "followers_only": "true"})
    answer = Client().post(path, body, content_type=FORM, headers=program.headers)
    assert (answer.status_code, answer.json()["text"]) == (201, "tea & cake")
    assert Kwip.objects.get().visibility == Visibility.FOLLOWERS


@pytest.mark.parametrize(
    ("said", "is_private", "is_for_followers"),
    [
        ({}, False, False),
        ({}, True, True),
        ({"followers_only": True}, False, True),
        ({"followers_only": "1"}, False, True),
        ({"followers_only": 0, "for_everyone": None}, False, False),
        ({"for_everyone": "on"}, True, False),
        ({"for_everyone": "0"}, True, True),
        ({"for_everyone": False}, True, True),
        ({"for_everyone": "off"}, True, True),
    ],
)
def test_who_may_read_it_is_said_as_on_the_page(
    ann: User, program: Program, said: dict[str, Any], is_private: bool, is_for_followers: bool
) -> None:
    accounts.set_private(user=ann, is_private=is_private)
    answer = program.post({"text": "psst"} | said)
    assert (answer.status_code, answer.json()["followers_only"]) == (201, is_for_followers)
    assert ("psst" in Client().get("/ann/").content.decode()) is not is_for_followers


def test_the_same_key_again_is_the_same_kwip(ann: User, program: Program) -> None:
    first = program.post({"text": "once"}, key="a-key")
    again = program.post({"text": "once"}, key="a-key")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert again["Location"] == first["Location"]
    assert Kwip.objects.count() == 1
    # Another text, another key, another token and no key at all are other kwips.
    other = Program(token_of(ann))
    answers = [
        program.post({"text": "twice"}, key="a-key"),
        program.post({"text": "once"}, key="another"),
        other.post({"text": "once"}, key="a-key"),
        program.post({"text": "once"}),
        program.post({"text": "once"}),
    ]
    assert [answer.status_code for answer in answers] == [201] * 5
    assert Kwip.objects.count() == 6


def test_the_same_key_is_no_second_hit_of_the_limit(program: Program, limited: Callable[..., None]) -> None:
    limited(publish="1/10m")
    assert program.post({"text": "once"}, key="k").status_code == 201
    assert program.post({"text": "once"}, key="k").status_code == 200
    refused = program.post({"text": "another"}, key="l")
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 600
    assert "minutes" in refused.json()["error"]


def test_the_key_of_a_deleted_kwip_says_so(program: Program) -> None:
    program.post({"text": "once"}, key="k")
    actions.delete(kwip=Kwip.objects.get())
    again = program.post({"text": "once"}, key="k")
    assert again.status_code == 410
    assert "deleted" in again.json()["error"]


@pytest.mark.parametrize("key", ["", "k" * 201, "schlüssel"])
def test_a_key_that_is_none_is_refused(program: Program, key: str) -> None:
    assert program.post({"text": "once"}, key=key).status_code == 400
    assert not Kwip.objects.exists()


NESTED = '{"text": ' + "[" * 200_000 + "]" * 200_000 + "}"


@pytest.mark.asvs("2.2.1", "15.3.3")
@pytest.mark.parametrize(
    ("status", "body", "content_type", "words"),
    [
        (400, b" ", "application/json", "no JSON"),
        (400, b'{"text"', "application/json", "no JSON"),
        (400, b'{"text": "\xff"}', "application/json", "no JSON"),
        (400, NESTED.encode(), "application/json", "no JSON"),
        (400, b'{"text": ' + b"9" * 10_000 + b"}", "application/json", "no JSON"),
        (400, b'["text"]', "application/json", "JSON object"),
        (400, b"x" * 10, "application/json; charset=utf-7", "can't be read"),
        (400, b"&".join([b"text=x"] * 1_001), FORM, "can't be read"),
        (415, b"text=x", "text/plain", "application/json"),
        (415, b"--b--", "multipart/form-data; boundary=b", "application/json"),
        (422, b'{"text": {"a": 1}}', "application/json", "'text' has to be a text"),
        (422, b'{"text": [["a"]]}', "application/json", "'text' has to be a text"),
        (422, b'{"text": "x", "follower_only": true}', "application/json", "followers_only"),
        (422, b'{"text": "x", "\\ud800": 1}', "application/json", "There is no field"),
        (422, b'{"text": "x", "form_key": "1"}', "application/json", "There is no field"),
        (422, b'{"text": "x", "followers_only": "maybe"}', "application/json", "true or false"),
        (422, b"text=x&followers_only=maybe", FORM, "true or false"),
    ],
)
def test_a_body_that_says_something_else_is_refused_in_clear_words(
    program: Program, status: int, body: bytes, content_type: str, words: str
) -> None:
    answer = program.post(body, content_type=content_type)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json")
    assert words in answer.json()["error"]
    assert len(answer.content) < 1_000
    assert not Kwip.objects.exists()


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "required", "say something first"),
        (" \n ", "required", "say something first"),
        ("x" * (TEXT_LIMIT + 1), "max_length", "100001 characters"),
        ("a\0b", "null_characters_not_allowed", "NUL"),
        ("a\ud800b", "broken", "broken character"),
        (None, "required", "say something first"),
    ],
)
def test_the_errors_of_the_form_are_told_by_field(
    program: Program, text: str | None, code: str, words: str
) -> None:
    answer = program.post(json.dumps({"text": text}))
    assert answer.status_code == 422
    told = answer.json()
    assert told["error"].startswith("text: ")
    assert words in told["error"]
    [error] = told["details"]["text"]
    assert error["error"] == code
    assert words in error["description"]


def test_the_longest_text_arrives_in_its_longest_spelling(program: Program) -> None:
    text = "😀" * TEXT_LIMIT
    assert program.post(json.dumps({"text": text})).status_code == 201
    assert program.post(urlencode({"text": text[:-1]}), content_type=FORM).status_code == 201
    assert {len(kwip.text) for kwip in Kwip.objects.all()} == {TEXT_LIMIT, TEXT_LIMIT - 1}


@pytest.mark.parametrize("content_type", ["application/json", FORM])
def test_a_body_that_is_too_large_is_a_413(program: Program, content_type: str) -> None:
    answer = program.post(b"text=" + b"x" * 2_621_440, content_type=content_type)
    assert answer.status_code == 413
    assert answer.json() == {"error": "The body is too large."}


@pytest.mark.asvs("1.2.3", "4.1.1")
def test_other_methods_and_addresses_are_answered_in_json(program: Program) -> None:
    for method, path, status in (
        ("GET", "/api/kwips/", 405),
        ("OPTIONS", "/api/kwips/", 405),
        ("PUT", "/api/kwips/", 405),
        ("POST", "/api/network/", 405),
        ("GET", "/api/v1/instance", 404),
        ("POST", "/api/", 404),
        ("POST", "/api/follow/", 404),  # no person called "api"
    ):
        answer = Client().generic(method, path, b"{}", "application/json", headers=program.headers)
        assert answer.status_code == status, (method, path)
        assert answer.json()["error"]
        assert "Access-Control-Allow-Origin" not in answer
        if status == 405:
            assert answer["Allow"]


def test_a_new_account_has_its_limits_and_its_words(
    ann: User, program: Program, limited: Callable[..., None]
) -> None:
    limited(new_account_links="1/1d")
    assert program.post({"text": "https://a.example https://b.example"}).status_code == 429


def test_a_token_that_only_reads_does_not_write(ann: User) -> None:
    answer = Program(token_of(ann, Scope.READ_NETWORK)).post({"text": "x"})
    assert answer.status_code == 403
    assert 'scope="write_kwips"' in answer["WWW-Authenticate"]
    assert "write_kwips" in answer.json()["error"]
    assert not Kwip.objects.exists()
