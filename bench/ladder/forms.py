"""The forms that are sent: each one is new, by another member or another visitor."""

import random
import time
import uuid
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from urllib.parse import urlencode

from bench.ladder.load import FORM_KEY, Request
from bench.ladder.people import Person
from bench.lib.sessions import CSRF

FORMS = 2_000  # in a turn, before the first is sent again with another key
CONTACTS = 4_000  # messages of a turn, each with a key that counts once
KWIP = "the kettle is on again, and it rains. with @{name}, who brought cake :) #tea #morning {key}"
COMMENT = "so do i, every morning; it is the best part of the day. {key}"


def form(path: str, cookie: str, *, address: str = "", **fields: str) -> Request:
    body = urlencode({"csrfmiddlewaretoken": CSRF, **fields})
    return Request(path, cookie, "POST", address, body)


def publishing(people: list[Person], backend: str) -> Iterator[Request]:
    """Kwips with two tags and a mention. No two have the same text, which would wait for a moderator."""
    for author, named in zip(*_pairs(people), strict=True):
        text = KWIP.format(name=named.username, key=FORM_KEY)
        yield form("/kwip/", author.cookies[backend], text=text, form_key=FORM_KEY)


def publishing_by(cookies: Sequence[str], named: Sequence[Person]) -> Iterator[Request]:
    """The same kwips, by the members who have these cookies."""
    for cookie, person in islice(zip(cycle(cookies), cycle(named), strict=False), FORMS):
        text = KWIP.format(name=person.username, key=FORM_KEY)
        yield form("/kwip/", cookie, text=text, form_key=FORM_KEY)


def commenting(people: list[Person], backend: str, kwips: list[int]) -> Iterator[Request]:
    for author, kwip in zip(_pairs(people)[0], random.choices(kwips, k=FORMS), strict=True):
        text = COMMENT.format(key=FORM_KEY)
        yield form(f"/kwip/{kwip}/comment/", author.cookies[backend], text=text, form_key=FORM_KEY)


def favouriting(people: list[Person], backend: str, kwips: list[int]) -> Iterator[Request]:
    for person, kwip in zip(_pairs(people)[0], random.choices(kwips, k=FORMS), strict=True):
        yield form(f"/kwip/{kwip}/favourite/", person.cookies[backend])


def _pairs(people: list[Person]) -> tuple[list[Person], list[Person]]:
    """Members in turns, from any of them on, and for each another one."""
    first = random.randrange(len(people))
    chosen = [people[(first + number) % len(people)] for number in range(FORMS + 1)]
    return chosen[:-1], chosen[1:]


def contacting() -> Iterator[Request]:
    """Messages of visitors, each from a network of its own: limits count by it."""
    from django.core import signing

    class PastSigner(signing.TimestampSigner):
        """Signs as some seconds ago: a form that is sent at once is taken for a robot's."""

        def timestamp(self) -> str:
            return signing.b62_encode(int(time.time()) - 10)

    signer = PastSigner(salt="apps.contact")
    for _ in range(CONTACTS):
        number = random.getrandbits(24)
        address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        fields = {"name": "a visitor", "subject": "a question", "text": "how do i bring my cat along?"}
        fields |= {"email": f"visitor{number}@example.org", "form_key": signer.sign(str(uuid.uuid4()))}
        yield form("/contact/", f"csrftoken={CSRF}", address=address, **fields)
