"""New passwords: long enough, not common, not about the site or its owner; old ones keep working."""

import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client

from apps.accounts import common_passwords
from apps.accounts.models import User
from apps.accounts.password_validators import LONGEST
from tests.support.people import member


def said(password: str, user: User | None = None) -> list[str]:
    """The codes of what the validators say."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        return [str(found.code) for found in error.error_list]
    return []


@pytest.mark.asvs("6.2.1")
@pytest.mark.parametrize("password", ["nine char", "greyteap0"])
def test_nine_characters_are_too_few(password: str) -> None:
    assert "password_too_short" in said(password)


@pytest.mark.asvs("6.2.9")
def test_a_sentence_is_welcome_and_its_length_is_bounded() -> None:
    sentence = "the kettle sings, the rain is late; " * 10
    assert said(sentence[:64]) == []
    assert said(sentence[:LONGEST]) == []
    assert said(sentence[: LONGEST + 1]) == ["password_too_long"]


def test_one_of_megabytes_is_refused_before_its_letters_are_looked_at() -> None:
    """By every validator: the admin and the commands ask them, too."""
    password = "\ufdfa" * 800_000
    user = User(username="annabelle", email="teaforus@example.org", display_name="Belle")
    tracemalloc.start()
    try:
        assert said(password, user) == ["password_too_long"]
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.asvs("6.2.5")
@pytest.mark.parametrize(
    "password", ["greyteapots", "4831957260", "~~~~ ~~~~ ~|", "ein stiller tag", "утренний чай"]
)
def test_no_kind_of_character_is_asked_for(password: str) -> None:
    assert said(password) == []


@pytest.mark.asvs("6.2.4", "6.2.12")
@pytest.mark.parametrize(
    "password", ["1qaz2wsx3edc", "QWERTYUIOP", "ｑｗｅｒｔｙｕｉｏｐ", "Password123", " qwertyuiop"]
)
def test_common_passwords_are_refused_in_any_spelling(password: str) -> None:
    assert "password_too_common" in said(password)


def test_the_list_has_the_hundred_thousand_commonest() -> None:
    data = common_passwords.FILE.read_bytes()
    assert len(data) == common_passwords.MOST * 5
    listed = [data[at : at + 5] for at in range(0, len(data), 5)]
    assert listed == sorted(set(listed))


def test_every_listed_password_is_found_and_hardly_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = [f"teapot number {number}" for number in range(2_000)]
    target = tmp_path / "list.bin"
    assert common_passwords.write(["short", *listed, *listed], target) == 2_000
    monkeypatch.setattr(common_passwords, "FILE", target)
    common_passwords._listed.cache_clear()
    try:
        assert all(common_passwords.is_common(password.upper()) for password in listed)
        assert not any(common_passwords.is_common(f"kettle number {number}") for number in range(2_000))
        assert not common_passwords.is_common("short")
    finally:
        common_passwords._listed.cache_clear()


def test_the_command_takes_the_commonest_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common_passwords, "MOST", 2)
    (tmp_path / "words").write_text("tea\ncommon as rain\nCommon as Rain\nrarer than snow\nrarest of all\n")
    call_command("commonpasswords", str(tmp_path / "words"), "--target", str(tmp_path / "list"))
    assert (tmp_path / "list").stat().st_size == 10
    with pytest.raises(CommandError, match="nothing was written"):
        call_command("commonpasswords", str(tmp_path / "none"), "--target", str(tmp_path / "list"))
    assert (tmp_path / "list").stat().st_size == 10


def test_the_list_takes_little_memory() -> None:
    """A process that has looked up a thousand passwords has at most the file's size more in memory."""
    code = (
        "import sys, pathlib\n"
        "def kib(): return int(pathlib.Path('/proc/self/statm').read_text().split()[1]) * 4\n"
        "from apps.accounts import common_passwords as common\n"
        "import hashlib; common._hash('x')\n"
        "before = kib()\n"
        "assert common.is_common('1qaz2wsx3edc')\n"
        "one = kib()\n"
        "assert not any(common.is_common(f'teapot number {n}') for n in range(1000))\n"
        "print(one - before, kib() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    _one, thousand = map(int, done.stdout.split())
    assert thousand < 1_000


@pytest.mark.asvs("6.2.11")
@pytest.mark.parametrize(
    "password", ["kwippykwippy", "happykwipping", "Kwippy-1234567", "password kwips 1", "welcome2kwippy!"]
)
def test_words_of_the_site_are_refused(password: str) -> None:
    assert "password_of_site_words" in said(password)


@pytest.mark.parametrize(
    "password",
    [
        "annabelle1234567890",
        "1234567890-Annabelle",
        "teaforus.99999999",
        "Rosenthal 20071983",
    ],
)
def test_names_and_addresses_are_refused(password: str) -> None:
    user = User(username="annabelle", email="teaforus@example.org", display_name="Belle Rosenthal")
    assert "password_too_similar" in said(password, user)
    assert said("annabelle drinks her tea late", user) == []


@pytest.mark.django_db
def test_what_was_chosen_under_earlier_rules_keeps_working(client: Client) -> None:
    ann = member("ann")
    ann.set_password("tea4you!")
    ann.save()
    answer = client.post("/accounts/login/", {"login": "ann", "password": "tea4you!"})
    assert answer.status_code == 302
    form = {"oldpassword": "tea4you!", "password1": "tea5you!", "password2": "tea5you!"}
    client.post("/accounts/reauthenticate/", {"password": "tea4you!"})
    refused = client.post("/accounts/password/change/", form)
    assert "10 characters at least" in refused.content.decode()
    ann.refresh_from_db()
    assert ann.check_password("tea4you!")


@pytest.mark.django_db
@pytest.mark.parametrize("end", ["", " "])
def test_a_password_is_kept_as_it_was_typed(client: Client, end: str) -> None:
    """Spaces at its end, length, and signs of other alphabets."""
    ann, new = member("ann"), "ночной чай – " * 18 + "🫖" + end
    client.force_login(ann)
    client.post("/accounts/reauthenticate/", {"password": "seven green teapots"})
    ann.set_password(new)
    ann.save()
    assert Client().post("/accounts/login/", {"login": "ann", "password": new}).status_code == 302
    assert Client().post("/accounts/login/", {"login": "ann", "password": new + "x"}).status_code == 200
