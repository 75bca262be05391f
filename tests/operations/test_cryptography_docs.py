"""docs/cryptography.md names every key, salt, algorithm and certificate that the code uses, and no other."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from allauth.account.forms import default_token_generator
from allauth.mfa.internal.flows import trust
from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.core import signing

from apps.accounts import hashers
from apps.accounts.sessions import SessionStore
from kwippy import checks

pytestmark = pytest.mark.asvs("11.1.2")

ROOT = Path(settings.BASE_DIR)
PAGE = (ROOT / "docs" / "cryptography.md").read_text()
# No part of a site.
WITHOUT = {"tests", "migrations", "demo", "xray", "local", "rehearse", "audit"}
MODULES = {"hashlib", "hmac", "secrets", "ssl", "cryptography", "django.core.signing", "django.utils.crypto"}
SIGNERS = re.compile(r"signing\.(?:dumps|loads|Signer|TimestampSigner)|Signer|TimestampSigner")


def sources() -> Iterator[Path]:
    for folder in ("apps", "kwippy", "deploy"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if WITHOUT.isdisjoint(path.relative_to(ROOT).parts):
                yield path


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def cells(title: str) -> list[list[str]]:
    """The rows of a section's table, without its head."""
    rows = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


# ── What the code uses ───────────────────────────────────────────────────────────────────────────


class Module:
    """A file: the texts that its names stand for, and its calls."""

    def __init__(self, source: str) -> None:
        self.tree = ast.parse(source)
        self.texts: dict[str, str] = {}
        self.imported: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                self.imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = {alias.name for alias in node.names}
                self.imported |= {node.module, *(f"{node.module}.{name}" for name in names)}
                if "SALT" in names:
                    self.texts["SALT"] = import_module(node.module).SALT
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                for target in node.targets:
                    if isinstance(target, ast.Name) and isinstance(node.value.value, str):
                        self.texts[target.id] = node.value.value

    @property
    def uses_cryptography(self) -> bool:
        roots = {part for name in self.imported for part in (name, name.partition(".")[0])}
        random = any(
            isinstance(node, ast.Attribute) and node.attr == "urandom" for node in ast.walk(self.tree)
        )
        return random or not MODULES.isdisjoint(roots)

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield ast.unparse(node.func).rpartition(".")[2], node

    def salts(self) -> Iterator[str]:
        """Raises KeyError for a salt that is computed."""
        for name, call in self.calls():
            keywords = {keyword.arg: keyword.value for keyword in call.keywords}
            if name == "salted_hmac":
                yield self._text(call.args[0])
            elif name == "partial" and ast.unparse(call.args[0]) == "salted_hmac":
                yield self._text(call.args[1])
            elif name == "HKDF":
                yield self._text(keywords["info"])
            elif SIGNERS.fullmatch(ast.unparse(call.func)):
                yield self._text(keywords["salt"])

    def hashes(self) -> Iterator[str]:
        """The functions of hashlib that it calls."""
        named = {name.partition(".")[2] for name in self.imported if name.startswith("hashlib.")}
        for name, call in self.calls():
            if ast.unparse(call.func) == f"hashlib.{name}" or (
                isinstance(call.func, ast.Name) and name in named
            ):
                yield name

    def _text(self, node: ast.expr) -> str:
        if isinstance(node, ast.Constant):
            return node.value.decode() if isinstance(node.value, bytes) else str(node.value)
        return self.texts[ast.unparse(node)]


def modules() -> dict[str, Module]:
    return {path.relative_to(ROOT).as_posix(): Module(path.read_text()) for path in sources()}


def of_libraries() -> set[str]:
    """The salts by which Django and allauth sign for this site."""
    trusted = re.findall(r'salt = "([\w.]+)"', Path(trust.__file__).read_text())
    return {
        SessionStore().key_salt,
        CookieStorage.key_salt,
        default_token_generator.key_salt,
        signing.Signer().salt,
        *trusted,
    }


# ── The page ─────────────────────────────────────────────────────────────────────────────────────


def test_each_salt_has_one_line_with_the_files_that_use_it() -> None:
    used: dict[str, set[str]] = {}
    for path, module in modules().items():
        for salt in module.salts():
            used.setdefault(salt, set()).add(path)
    lines = cells("Derived from SECRET_KEY")
    listed = {salt: set(quoted(line[1])) for line in lines for salt in quoted(line[0])}
    assert len(listed) == sum(len(quoted(line[0])) for line in lines)
    assert listed == used | {salt: set() for salt in of_libraries()}
    assert len(used) >= 20


def test_each_file_that_uses_cryptography_is_named() -> None:
    used = {path for path, module in modules().items() if module.uses_cryptography}
    assert len(used) >= 40
    assert used - set(quoted(PAGE)) == set()


def test_each_hash_function_has_a_line_with_the_files_that_use_it() -> None:
    used: dict[str, set[str]] = {}
    for path, module in modules().items():
        for name in module.hashes():
            used.setdefault(name, set()).add(path)
    listed: dict[str, set[str]] = {}
    for algorithm, _purpose, where in cells("Hashes and public keys"):
        for name in quoted(algorithm):
            listed.setdefault(name, set()).update(quoted(where))
    assert listed == used


def test_each_secret_of_the_settings_and_of_the_containers_has_a_line() -> None:
    found = set()
    for path in (ROOT / "kwippy" / "settings").glob("*.py"):
        found |= set(re.findall(r'\bsecret\("(\w+)"', path.read_text()))
    files = (ROOT / "docker-compose.yml", ROOT / "deploy" / "syslog.yml")
    compose = [one for file in files for one in yaml.safe_load(file.read_text())["secrets"].values()]
    made = re.findall(r"\bput (secret_\w+|\w+_password)\b", (ROOT / "deploy/make-secrets").read_text())
    found |= {f"secrets/{Path(one['file']).name}" for one in compose} | {f"secrets/{name}" for name in made}
    found |= set(re.findall(r"ssl_certificate(?:_key)? \S+/(\S+);", (ROOT / "deploy/nginx.conf").read_text()))
    found |= {"MEMCACHED_TLS_CA"}
    assert {name for line in cells("Keys") for name in quoted(line[0])} - {"certificates"} == found
    assert all(line[column] for line in cells("Keys") for column in range(6)), "a cell is empty"


@pytest.mark.usefixtures("hash_costs_of_site")
def test_lengths_and_parameters_are_those_of_the_code(settings) -> None:
    hasher = hashers.BoundedArgon2PasswordHasher
    argon2 = f"{hasher.memory_cost // 1024} MiB, {hasher.time_cost} passes, {hasher.parallelism} lane"
    assert f"Argon2id, {argon2}" in PAGE
    assert [path.rpartition(".")[2] for path in settings.PASSWORD_HASHERS] == [
        "BoundedArgon2PasswordHasher",
        "PBKDF2PasswordHasher",
    ]
    [random_bytes] = re.findall(r"head -c (\d+) /dev/urandom", (ROOT / "deploy/make-secrets").read_text())
    assert f"with {int(random_bytes) * 8} random bits" in PAGE
    [protocols] = re.findall(r"ssl_protocols (.*);", (ROOT / "deploy/nginx.conf").read_text())
    assert protocols in section("TLS")
    settings.DEBUG, settings.SECRET_KEY = False, "x" * 39
    assert checks.secret_key(None)
    settings.SECRET_KEY = "x" * 40
    assert not checks.secret_key(None)
    assert "fewer than 40 characters are refused" in PAGE


# ── The collection itself ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("source", "salts"),
    [
        ("salted_hmac('a.b', text)", ["a.b"]),
        ("from django.core import signing\n_SALT = 'x'\nsigning.dumps(1, salt=_SALT)", ["x"]),
        ("from django.core.signing import Signer\nSigner(salt='y').sign('')", ["y"]),
        ("made = partial(salted_hmac, 'z', algorithm='sha256')", ["z"]),
        ("HKDF(salt=None, info=b'k')", ["k"]),
        ("json.dumps({})", []),
    ],
)
def test_salts_are_found_however_they_are_written(source: str, salts: list[str]) -> None:
    assert list(Module(source).salts()) == salts


@pytest.mark.parametrize("source", ["from django.core import signing\nsigning.Signer()", "salted_hmac(name)"])
def test_a_signer_without_a_salt_and_a_computed_salt_fail(source: str) -> None:
    with pytest.raises(KeyError):
        list(Module(source).salts())


@pytest.mark.parametrize(
    ("source", "hashes", "uses"),
    [
        ("import hashlib\nhashlib.md5(b'')", ["md5"], True),
        ("from hashlib import sha1\nsha1(b'')", ["sha1"], True),
        ("import os\nos.urandom(3)", [], True),
        ("from cryptography.fernet import Fernet", [], True),
        ("import json\njson.sha1()", [], False),
    ],
)
def test_a_use_of_cryptography_is_found(source: str, hashes: list[str], uses: bool) -> None:
    assert (list(Module(source).hashes()), Module(source).uses_cryptography) == (hashes, uses)
