"""Values that an attacker wrote into memcached are misses, and never run code."""

import itertools
import json
import os
import pickle
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import LazySettings

from apps.lookaside import values
from apps.lookaside.backends import Lookaside
from apps.lookaside.values import MISSING, Entry, decode, encode

KEY = b"a-key"


class Hostile:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return eval, (f"open({str(self.path)!r}, 'w').close()", "{}")


@pytest.fixture
def write(memcached: str, in_memcached: Lookaside) -> Callable[[str, int, bytes], None]:
    """Writes into memcached directly, as an attacker on its network could."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(memcached.removeprefix("unix:"))

    def write(key: str, flags: int, data: bytes) -> None:
        name = in_memcached._name(key)
        connection.sendall(b"set %s %d 0 %d\r\n%s\r\n" % (name, flags, len(data), data))
        assert connection.recv(100) == b"STORED\r\n"

    return write


@pytest.mark.asvs("1.5.2")
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_never_loaded_whatever_its_flags(
    in_memcached: Lookaside, write: Callable[..., None], tmp_path: Path, protocol: int
) -> None:
    loaded = tmp_path / "loaded"
    data = pickle.dumps(Hostile(loaded), protocol)
    for flags in [*range(256), 2**16 - 1, 2**32 - 1]:
        write("a", flags, data)
        assert in_memcached.get_or_compute("a", lambda: "right") == "right"
    assert not loaded.exists()


def test_forged_values_are_replaced_and_do_not_spoil_a_batch(
    in_memcached: Lookaside, write: Callable[..., None]
) -> None:
    cache = in_memcached
    hostile = [b"", b"1", b"\x00" * 32, b"null", b"\xff" * 500, b"VA 2 c1 W\r\n{}\r\n", b"9" * 1_000_000]
    names = [f"hostile {number}" for number in range(len(hostile))]
    keys = list(itertools.chain.from_iterable(zip(names, [f"good {name}" for name in names], strict=True)))
    cache.invalidate(keys)
    cache.get_many_or_compute(keys, lambda keys: dict.fromkeys(keys, "good"))
    for flags in (0, 1, 2, 4, 5, 6, 7, 16):
        for name, data in zip(names, hostile, strict=True):
            write(name, flags, data)
        assert set(cache.get_many_or_compute(keys, computed_for(names)).values()) == {"good", "right"}
        assert set(cache.get_many_or_compute(keys, computed_for([])).values()) == {"good", "right"}


def computed_for(expected: list[str]) -> Callable[[list[str]], dict[str, str]]:
    def compute(keys: list[str]) -> dict[str, str]:
        assert keys == expected
        return dict.fromkeys(keys, "right")

    return compute


def test_an_integer_without_a_signature_is_a_miss(
    in_memcached: Lookaside, write: Callable[..., None]
) -> None:
    write("a", 2, b"1")
    assert in_memcached.get_or_compute("a", lambda: 0) == 0


@pytest.mark.asvs("9.1.1", "11.4.3")
@pytest.mark.parametrize("position", [0, 31, 32, 40, -1])
def test_a_value_with_one_bit_changed_is_missing(position: int) -> None:
    entry = encode(KEY, "value", schema=1, ttl=60)
    changed = bytearray(entry.data)
    changed[position] ^= 1
    assert decode(KEY, entry, schema=1) == "value"
    assert decode(KEY, Entry(entry.flags, bytes(changed)), schema=1) is MISSING


@pytest.mark.asvs("9.2.1", "9.2.2")
@pytest.mark.parametrize("value", [b"[1]", [1]], ids=["not remembered", "remembered"])
def test_a_value_is_valid_only_for_its_key_flags_schema_and_lifetime(
    value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = encode(KEY, value, schema=1, ttl=60)
    assert decode(KEY, entry, schema=1) == value
    assert decode(b"another", entry, schema=1) is MISSING
    assert decode(KEY, entry, schema=2) is MISSING
    for flags in range(256):
        if flags != entry.flags:
            assert decode(KEY, Entry(flags, entry.data), schema=1) is MISSING
    now = time.time()
    monkeypatch.setattr(values, "time", SimpleNamespace(time=lambda: now + 61))
    assert decode(KEY, entry, schema=1) is MISSING


@pytest.mark.asvs("11.2.2", "9.1.3")
def test_values_signed_with_a_fallback_secret_are_read_and_others_are_not(settings: LazySettings) -> None:
    settings.SECRET_KEY = "the first"
    entry = encode(KEY, "value", schema=1, ttl=60)
    settings.SECRET_KEY = "the second"
    assert decode(KEY, entry, schema=1) is MISSING
    settings.SECRET_KEY_FALLBACKS = ["the zeroth", "the first"]
    assert decode(KEY, entry, schema=1) == "value"
    assert decode(KEY, encode(KEY, "value", schema=1, ttl=60), schema=1) == "value"
    settings.SECRET_KEY_FALLBACKS = ["the zeroth"]
    assert decode(KEY, entry, schema=1) is MISSING


def test_a_reader_that_changes_its_value_changes_it_for_no_other() -> None:
    value = {"name": "ann", "tags": ["tea", {"cups": 1}]}
    entry = encode(KEY, value, schema=1, ttl=60)
    for _ in range(3):
        read = decode(KEY, entry, schema=1)
        assert read == value
        read["tags"][1]["cups"] = 2
        read["tags"].append("milk")
        read["name"] = "bob"


def test_a_small_json_entry_is_verified_once_and_others_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[bytes] = []
    signature = values.signature

    def counted(secret: bytes, key: bytes, flags: int, content: bytes) -> bytes:
        verified.append(content)
        return signature(secret, key, flags, content)

    entries = [encode(KEY, value, schema=1, ttl=60) for value in ("once", b"card", "x" * 2000)]
    monkeypatch.setattr(values, "signature", counted)
    for entry in entries * 3:
        decode(KEY, entry, schema=1)
    assert [verified.count(entry.data[32:]) for entry in entries] == [1, 3, 3]


def test_the_number_of_remembered_entries_is_bounded() -> None:
    for number in range(values.REMEMBERED + 10):
        assert decode(KEY, encode(KEY, number, schema=1, ttl=60), schema=1) == number
    assert values._verified_once.cache_info().currsize == values.REMEMBERED


def test_a_value_too_deep_to_read_is_missing_and_raises_nothing() -> None:
    deep = encode(KEY, json.loads("[" * 900 + "]" * 900), schema=1, ttl=60)

    def read_at(depth: int) -> object:
        return read_at(depth - 1) if depth else decode(KEY, deep, schema=1)

    assert read_at(200) is MISSING


def test_large_text_is_compressed_and_incompressible_data_is_not() -> None:
    assert len(encode(KEY, "kwip " * 10_000, schema=1, ttl=60).data) < 1000
    noise = os.urandom(10_000)
    assert len(encode(KEY, noise, schema=1, ttl=60).data) == 32 + 12 + 10_000


@pytest.mark.asvs("1.3.9")
def test_stored_keys_do_not_reveal_the_key(cache: Lookaside) -> None:
    assert b"secret" not in cache._name("session:secret")
    assert len(cache._name("")) == len(cache._name("x" * 1000)) == 32
