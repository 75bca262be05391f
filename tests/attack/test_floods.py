"""Floods by one client: the memory and the CPU of gunicorn stay bounded, and others are answered meanwhile.

Bodies that never end are nginx's: `deploy/tests/test_nginx.py`. Hashes for many networks:
`apps/accounts/tests/test_hashers.py`. The size of any one page: `tests/pages/test_page_bounds.py`.
"""

import os
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client

from apps.accounts.models import User
from apps.accounts.tests.test_hashers import is_gunicorn, peak_kib
from apps.kwips import actions
from apps.pictures.tests.hostile_pictures import progressive
from deploy.local import services
from tests.support.concurrency import at_once
from tests.support.http import CSRF_TOKEN, FORM_TYPE, Member, Response, Visitor, request
from tests.support.site import served

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asvs("15.2.2", "2.4.1")]

TORTURE = os.environ.get("TORTURE") == "1"
AT_ONCE = 32 if TORTURE else 12
HOSTILE = "#a " * 33_333  # the longest text, of tags alone


class Server:
    """A site of one process, and what its gunicorn takes."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._pids = [pid for pid in services.descendants(os.getpid()) if is_gunicorn(pid)]
        assert self._pids

    def begin(self) -> None:
        for pid in self._pids:
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # resets the peak
        self._peak = self._peaks()

    def _peaks(self) -> int:
        return sum(map(peak_kib, self._pids))

    @property
    def grown_kb(self) -> int:
        return self._peaks() - self._peak

    @property
    def cpu_seconds(self) -> float:
        fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self._pids]
        return sum(int(of[11]) + int(of[12]) for of in fields) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def server(memcached: str) -> Iterator[Server]:
    with served(memcached=memcached, workers=1, patient=True) as port:
        for path in ("/", "/accounts/login/"):  # what every process loads once
            request(port, path)
        yield Server(port)


def flood(send: Callable[[int], Any], number: int) -> list[Any]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(send, range(number)))


def is_answered(server: Server) -> bool:
    return request(server.port, "/accounts/login/").status == 200


def test_one_client_does_not_take_the_memory_of_the_site(server: Server) -> None:
    """The heaviest conversation that a member can plant, asked for past the page cache."""
    mallory = User.objects.create_user("mallory", "m@example.org")
    kwip = actions.publish(author=mallory, text=HOSTILE, form_key=uuid.uuid4()).kwip
    for _ in range(8):
        actions.comment(author=mallory, thread=kwip, text=HOSTILE, form_key=uuid.uuid4())
    path = f"/mallory/kwip/{kwip.pk}/"
    request(server.port, path)
    server.begin()
    with ThreadPoolExecutor(1) as other:
        meanwhile = other.submit(lambda: [is_answered(server) for _ in range(3)])
        got = flood(
            lambda number: request(server.port, f"{path}?x={number}", ("Cookie", "messages=x")), AT_ONCE
        )
        assert all(meanwhile.result())
    assert {answer.status for answer in got} <= {200, 503}
    assert max(len(answer.body) for answer in got) < 1_500_000
    assert server.grown_kb < 150_000


class ListingHasher(MD5PasswordHasher):
    """Lists the passwords that it hashes: threads append one after the other."""

    algorithm = "listing"
    hashed: ClassVar[list[str]] = []

    def encode(self, password: str, salt: str, *args: object) -> str:
        self.hashed.append(password)
        return super().encode(password, salt)


@pytest.mark.asvs("6.3.1")
@pytest.mark.parametrize("is_known", [True, False], ids=["known", "unknown"])
def test_guesses_of_one_network_take_ten_hashes_and_no_more(settings, memcached: str, is_known: bool) -> None:
    """What is beyond the limit is refused before the password is hashed."""
    settings.PASSWORD_HASHERS = [f"{__name__}.ListingHasher"]
    settings.ACCOUNT_RATE_LIMITS = dict.fromkeys(settings.ACCOUNT_RATE_LIMITS)
    settings.LIMITS = settings.LIMITS | {"failed_sign_in_network": "10/1d"}
    if is_known:
        for number in range(AT_ONCE):
            User.objects.create_user(f"person{number}", f"p{number}@example.org", "tea and cake")
    ListingHasher.hashed.clear()

    def guess(number: int) -> int:
        form = {"login": f"person{number % AT_ONCE}", "password": f"wrong {number}"}
        return Client().post("/accounts/login/", form).status_code

    guesses = [partial(guess, number) for number in range(4 * AT_ONCE)]
    assert set(at_once(guesses, threads=AT_ONCE)) <= {200, 429}
    assert len(ListingHasher.hashed) == 10


def test_guesses_of_one_network_take_bounded_memory(server: Server) -> None:
    for number in range(AT_ONCE):
        User.objects.create_user(f"person{number}", f"p{number}@example.org", "tea and cake")
    server.begin()

    def guess(number: int) -> Response:
        name = f"person{number % AT_ONCE}"
        return Visitor(server.port).post("/accounts/login/", login=name, password=f"wrong {number}")

    statuses = {answer.status for answer in flood(guess, 4 * AT_ONCE)}
    assert statuses <= {200, 429, 503}
    assert server.grown_kb < 250_000
    assert is_answered(server)


@pytest.mark.parametrize("page", ["signup", "password/change"])
def test_a_password_of_megabytes_is_refused_before_its_letters_are_looked_at(
    server: Server, page: str
) -> None:
    """The letter becomes eighteen of them where passwords are compared: 2.4 MB were 900."""
    ann = User.objects.create_user("ann", "ann@example.org", "tea and cake")
    client = Visitor(server.port) if page == "signup" else Member(server.port, ann)
    password = "\ufdfa" * 800_000
    form = {"username": "eve", "email": "eve@example.org", "oldpassword": "tea and cake"}
    form |= {"csrfmiddlewaretoken": CSRF_TOKEN, "password1": password}
    # As it is: percent-encoded it would be three times as large, and beyond what a form may have.
    body = "&".join(f"{name}={value}" for name, value in form.items()).encode()
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    headers = (("Cookie", cookies), ("Content-Type", FORM_TYPE))
    client.get(f"/accounts/{page}/")
    server.begin()
    answer = request(server.port, f"/accounts/{page}/", *headers, method="POST", body=body)
    assert "a little shorter, please" in answer.text
    assert server.grown_kb < 60_000


def test_hostile_pictures_at_once_take_neither_memory_nor_every_thread(server: Server) -> None:
    mallory = Member(server.port, User.objects.create_user("mallory", "m@example.org"))
    bomb = progressive(8900, 8900, scans=200)
    server.begin()
    with ThreadPoolExecutor(1) as other:
        meanwhile = other.submit(lambda: [is_answered(server) for _ in range(5)])
        statuses = Counter(flood(lambda number: upload(mallory, bomb), AT_ONCE))
        assert all(meanwhile.result())
    assert set(statuses) <= {422, 429, 503}
    assert server.grown_kb < 150_000  # the decoder is another process, which is bounded by itself


def upload(member: Member, picture: bytes) -> int:
    parts = {"csrfmiddlewaretoken": CSRF_TOKEN.encode(), 'picture"; filename="a.jpg': picture}
    body = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
        for name, value in parts.items()
    )
    headers = [("Cookie", f"sessionid={member.cookies['sessionid']}; csrftoken={CSRF_TOKEN}")]
    headers.append(("Content-Type", "multipart/form-data; boundary=x"))
    path = "/settings/picture/"
    return request(member.port, path, *headers, method="POST", body=body + b"--x--\r\n").status


def test_what_a_limit_refuses_costs_no_more_than_what_it_admits(server: Server) -> None:
    ann = User.objects.create_user("ann", "ann@example.org")
    kwip = actions.publish(author=ann, text="tea", form_key=uuid.uuid4()).kwip
    clicker = Member(server.port, User.objects.create_user("mallory", "m@example.org"))
    steps = ("favourite", "unfavourite")

    def click(number: int) -> int:
        return clicker.post(f"/kwip/{kwip.pk}/{steps[number % 2]}/").status

    before = server.cpu_seconds
    admitted = Counter(click(number) for number in range(120))
    between = server.cpu_seconds
    refused = Counter(click(number) for number in range(120))
    after = server.cpu_seconds
    assert (set(admitted), set(refused)) == ({302}, {429})
    assert after - between < 1.5 * (between - before) + 0.1


def test_renaming_again_and_again_purges_the_caches_so_often_and_no_more(server: Server) -> None:
    mallory = User.objects.create_user("mallory", "m@example.org")
    client = Member(server.port, mallory)
    statuses = Counter(
        client.post("/settings/", display_name=f"Mallory {number}", bio="").status for number in range(40)
    )
    assert statuses == {302: 20, 429: 20}  # LIMITS["profile"]
    mallory.refresh_from_db()
    assert mallory.display_name == "Mallory 19"
