"""Password hashes: their parameters, and the memory limit of concurrent hashes."""

import os
import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.contrib.auth.hashers import (
    Argon2PasswordHasher,
    check_password,
    identify_hasher,
    make_password,
)
from django.test import Client

from apps.accounts import hashers
from apps.accounts.models import SignUp, User
from apps.limits import Busy
from deploy.local import services
from tests.support.http import Visitor
from tests.support.site import served

pytestmark = pytest.mark.usefixtures("hash_costs_of_site")


@pytest.mark.asvs("11.4.2")
def test_new_hashes_are_argon2id_within_what_owasp_asks_for() -> None:
    encoded = make_password("tea and cake")
    parameters = re.fullmatch(r"argon2\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$.*", encoded)
    assert parameters
    memory, passes, lanes = map(int, parameters.groups())
    assert 19 * 1024 <= memory <= 46 * 1024
    assert (passes, lanes) == (2, 1)
    assert check_password("tea and cake", encoded)
    assert not check_password("tea and cakes", encoded)


@pytest.mark.asvs("11.2.2")
def test_a_hash_of_an_earlier_release_is_verified_and_replaced() -> None:
    earlier = Argon2PasswordHasher().encode("tea and cake", "somesaltsomesalt")
    assert "m=102400" in earlier
    replaced: list[str] = []
    assert check_password(
        "tea and cake", earlier, setter=lambda password: replaced.append(make_password(password))
    )
    assert identify_hasher(replaced[0]).must_update(replaced[0]) is False


def test_concurrent_hashes_never_exceed_the_memory_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    # A request for all of the memory may wait long on a busy machine.
    monkeypatch.setattr(hashers, "WAIT_SECONDS", 60)
    memory = hashers.MemoryLimit(100)
    held: list[int] = []
    peak: list[int] = []
    guard = threading.Lock()

    def hold(kib: int) -> None:
        with memory.reserve(kib):
            with guard:
                held.append(min(kib, 100))
                peak.append(sum(held))
            with guard:
                held.remove(min(kib, 100))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(hold, [50, 100, 217, 46] * 200))
    assert max(peak) <= 100


def test_waiting_too_long_for_memory_raises_busy_and_releases_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hashers, "WAIT_SECONDS", 0.1)
    memory = hashers.MemoryLimit(100)
    with memory.reserve(60):
        with memory.reserve(40):
            pass
        with pytest.raises(Busy), memory.reserve(60):
            pass
    with pytest.raises(ValueError, match="broken"), memory.reserve(100):
        raise ValueError("broken")
    with memory.reserve(100):
        pass


@pytest.mark.django_db
def test_a_sign_in_without_memory_is_a_503_and_not_counted_as_failed(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    User.objects.create_user("ann", "ann@example.org", "tea and cake")
    monkeypatch.setattr(hashers, "WAIT_SECONDS", 0.05)
    sign_in = {"login": "ann", "password": "tea and cake"}
    with hashers._memory.reserve(hashers.MEMORY_KIB * hashers.AT_ONCE):
        for path, form in (
            # More often than the limit on failed sign-ins: no password was checked.
            *[("/accounts/login/", sign_in)] * 6,
            (
                "/accounts/signup/",
                {
                    "username": "eve",
                    "email": "eve@example.org",
                    "password1": "a long password 7",
                    "password2": "a long password 7",
                },
            ),
        ):
            answer = client.post(path, form)
            assert (answer.status_code, answer["Retry-After"]) == (503, "3"), path
            assert "password" not in answer.content.decode()
    assert not SignUp.objects.exists()
    assert client.post("/accounts/login/", sign_in).status_code == 302


@pytest.mark.asvs("15.2.2")
@pytest.mark.django_db(transaction=True)
def test_32_sign_ins_at_once_take_less_than_250_mb(memcached: str) -> None:
    for number in range(32):
        User.objects.create_user(f"person{number}", f"p{number}@example.org", "tea and cake")
    proxies = {"TRUSTED_PROXIES": "127.0.0.0/8,::1/128"}
    with served(memcached=memcached, workers=2, variables=proxies) as port:
        processes = [pid for pid in services.descendants(os.getpid()) if is_gunicorn(pid)]
        for pid in processes:
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # resets the peak
        before = sum(map(peak_kib, processes))
        start = threading.Barrier(32)

        def sign_in(number: int) -> int:
            start.wait()
            # From as many networks, so that the sign-in limits do not apply.
            form = {"login": f"person{number}", "password": "tea and cake!"}
            return (
                Visitor(port)
                .post("/accounts/login/", headers={"X-Forwarded-For": f"10.0.{number}.1"}, **form)
                .status
            )

        with ThreadPoolExecutor(32) as pool:
            statuses = Counter(pool.map(sign_in, range(32)))
        grown = sum(map(peak_kib, processes)) - before
    assert set(statuses) <= {200, 503}
    assert statuses[200] >= 4
    assert grown < 250_000  # kB


def is_gunicorn(pid: int) -> bool:
    return b"gunicorn" in Path(f"/proc/{pid}/cmdline").read_bytes()


def peak_kib(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1])
