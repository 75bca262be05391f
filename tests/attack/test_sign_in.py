"""The ways in: where they lead, which host and port they name, and what they tell about who is here."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.tests.test_login_timing import CountingHasher
from apps.commandqueue.models import Command
from tests.support.people import PASSWORD, member, sign_up, signs_in, who_is_in

pytestmark = pytest.mark.django_db

NEXTS = [
    "https://evil.example/", "//evil.example/", "///evil.example/", "////evil.example",
    "/\\evil.example/", "\\\\evil.example/", "/\t/evil.example/", "/\n/evil.example/",
    "\x01//evil.example/", "http:evil.example", "http:///evil.example", "https:/evil.example",
    "javascript:alert(1)", "data:text/html,x", " //evil.example/", "/%2f%2fevil.example/",
    "https://testserver@evil.example/", "https://evil.example\\@testserver/",
    "https://testserver.evil.example/", "//testserver:80@evil.example/",
    "/x\r\nLocation: https://evil.example/", "https://evil.example#@testserver/", "ftp://testserver/",
    "//[::1]/", "https://evil。example/",
]  # fmt: skip


@pytest.fixture(autouse=True)
def quick(settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = dict.fromkeys(settings.ACCOUNT_RATE_LIMITS)
    settings.LIMITS = dict.fromkeys(settings.LIMITS)


@pytest.fixture
def ann() -> User:
    return member("ann")


def leads_out(answer: Any) -> bool:
    """Whether a browser would leave the site, by what it makes of the address."""
    target = "".join(letter for letter in answer.get("Location", "") if letter not in "\t\r\n").strip()
    target = target.replace("\\", "/")
    is_path = target.startswith("/") and not target.startswith("//")
    return bool(target) and not is_path and not target.startswith("http://testserver/")


@pytest.mark.asvs("3.7.2")
@pytest.mark.parametrize("field", ["next", "back"])
@pytest.mark.parametrize("onward", NEXTS, ids=ascii)
def test_no_way_in_leads_out_of_the_site(ann: User, onward: str, field: str) -> None:
    visitor, inside = Client(), Client()
    inside.force_login(ann)
    answers = [
        visitor.get("/accounts/login/", {field: onward}),
        visitor.post("/accounts/signup/", {"username": "eve", field: onward}),
        inside.post("/accounts/reauthenticate/", {"password": PASSWORD, field: onward}),
        inside.get("/accounts/reauthenticate/", {field: onward}),
        inside.post("/settings/language/", {"language": "de", field: onward}),
        inside.post("/ann/follow/", {field: onward}, headers={"Referer": onward.strip() or "/"}),
        inside.get("/accounts/login/", {field: onward}),
        visitor.post("/accounts/login/", {"login": "ann", "password": PASSWORD, field: onward}),
        inside.post("/accounts/logout/", {field: onward}),
    ]
    assert who_is_in(visitor) == "ann"
    assert [answer["Location"] for answer in answers if leads_out(answer)] == []
    assert max(answer.status_code for answer in answers) < 500


HOSTS = [
    "evil.example", "localhost:1337", "localhost.", "localhost@evil.example",
    "localhost:80@evil.example", "evil.example:80", "localhost,evil.example", "localhost evil.example",
    "[::1]", "localhost/evil.example", "localhost\\.evil.example", "LOCALHOST:666", "", "127.0.0.1",
    "localhost:99999", "localhost:0x50", "xn--e-.example",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS, ids=ascii)
@pytest.mark.parametrize("header", ["host", "x-forwarded-host"])
def test_no_host_and_no_port_of_a_request_is_in_a_mail_or_a_redirect(
    ann: User, settings, host: str, header: str
) -> None:
    settings.SITE_URL = "https://kwippy.example"
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]
    for path, form in (
        ("/accounts/password/reset/", {"email": "ann@example.org"}),
        ("/accounts/password/reset/", {"email": "nobody@example.org"}),
        (
            "/accounts/signup/",
            {"username": "eve", "email": "eve@example.org", "password1": PASSWORD, "password2": PASSWORD},
        ),
    ):
        answer = Client().post(path, form, headers={header: host})
        assert answer.status_code in (302, 400, 200, 422), path
        assert "evil" not in answer.get("Location", "")
        assert "1337" not in answer.get("Location", "")
    for message in mail.outbox:
        links = [word for word in str(message.body).split() if "://" in word]
        assert links
        assert all(f"{link}/".startswith("https://kwippy.example/") for link in links), links


# ── Who is here ──────────────────────────────────────────────────────────────────────────────────


def work(path: str, form: dict[str, str]) -> dict[str, Any]:
    """What a form costs: hashes, statements by their kind, mails, and the answer but for what was typed."""
    CountingHasher.hashed = 0
    before = len(mail.outbox), Command.objects.count()
    visitor = Client()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = visitor.post(path, form)
    return {
        "hashes": CountingHasher.hashed,
        "mails": len(mail.outbox) - before[0] + Command.objects.count() - before[1],
        "status": answer.status_code,
        "location": answer.get("Location"),
        "cookies": sorted(answer.cookies),
        "writes": dict(Counter(verbs(queries))),
    }


def verbs(queries: CaptureQueriesContext) -> Iterator[str]:
    for query in queries.captured_queries:
        verb = query["sql"].split()[0]
        if verb in ("INSERT", "UPDATE", "DELETE"):
            yield verb


FORMS: dict[str, tuple[str, dict[str, str]]] = {
    "sign-in by name": ("/accounts/login/", {"login": "{name}", "password": "wrong"}),
    "sign-in by address": ("/accounts/login/", {"login": "{name}@example.org", "password": "wrong"}),
    "reset": ("/accounts/password/reset/", {"email": "{name}@example.org"}),
    "sign-up": (
        "/accounts/signup/",
        {"username": "eve", "email": "{name}@example.org", "password1": PASSWORD, "password2": PASSWORD},
    ),
}


@pytest.mark.asvs("6.3.8")
@pytest.mark.parametrize("form", FORMS)
def test_known_and_unknown_cost_the_same_work(ann: User, settings, form: str) -> None:
    settings.PASSWORD_HASHERS = [f"{CountingHasher.__module__}.CountingHasher"]
    path, fields = FORMS[form]
    known, unknown = (
        work(path, {field: text.format(name=name) for field, text in fields.items()} | renamed(form, name))
        for name in ("ann", "bob")
    )
    assert known == unknown


@pytest.mark.asvs("6.3.8")
@pytest.mark.parametrize("form", ["sign-in by name", "sign-in by address"])
def test_while_someone_guesses_one_mail_a_day_to_the_owner_is_all_that_differs(
    ann: User, settings, form: str
) -> None:
    """SECURITY.md says so: of that one attempt the time may tell, and then the owner knows of it."""
    settings.PASSWORD_HASHERS = [f"{CountingHasher.__module__}.CountingHasher"]
    limits = {"failed_sign_in_anywhere": "1/1d", "failed_sign_in_mail": "1/1d"}
    settings.LIMITS = settings.LIMITS | limits
    path, fields = FORMS[form]
    known, unknown = (
        [work(path, {field: text.format(name=name) for field, text in fields.items()}) for _ in range(4)]
        for name in ("ann", "bob")
    )
    assert [done["mails"] for done in known] == [0, 1, 0, 0]
    assert [known[at] for at in (0, 2, 3)] == [unknown[at] for at in (0, 2, 3)]
    answers = [{name: done[1][name] for name in ANSWER} for done in (known, unknown)]
    assert answers[0] == answers[1]


ANSWER = ("hashes", "status", "location", "cookies")


def renamed(form: str, name: str) -> dict[str, str]:
    """Two sign-ups need two names."""
    return {"username": f"eve{len(name)}{name[0]}"} if form == "sign-up" else {}


# ── Passwords ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.asvs("6.2.8", "6.2.9")
@pytest.mark.parametrize(
    "password", ["  spaces Around it  ", "Seven Green Teapots", "ÄÖÜ日本語のお茶 und mehr", "x7" * 60]
)
def test_a_password_counts_exactly_as_it_was_typed(password: str) -> None:
    user = member("ann")
    user.set_password(password)
    user.save()
    for other in {password.strip(), password.lower(), password.upper(), password[:-1], f"{password} "} - {
        password
    }:
        assert not signs_in("ann", other), other
    assert signs_in("ann", password)


@pytest.mark.asvs("6.2.2", "6.2.3")
def test_a_new_password_needs_the_old_one(ann: User) -> None:
    client = Client()
    client.force_login(ann)
    new = {"password1": "a new horse battery", "password2": "a new horse battery"}
    for old in ("", "a wrong password"):
        client.post("/accounts/password/change/", {"oldpassword": old, **new})
    assert not signs_in("ann", new["password1"])
    assert client.post("/accounts/password/change/", {"oldpassword": PASSWORD, **new}).status_code == 302
    assert signs_in("ann", new["password1"])


@pytest.mark.asvs("6.2.6")
@pytest.mark.parametrize(
    "name", ["account_login", "account_signup", "account_change_password", "account_reauthenticate", "leave"]
)
def test_what_is_typed_as_a_password_is_masked(ann: User, name: str) -> None:
    client = Client()
    if name not in ("account_login", "account_signup"):
        client.force_login(ann)
    fields = client.get(reverse(name)).context["form"].fields
    masked = {field for field, value in fields.items() if "password" in field}
    assert masked
    assert {fields[field].widget.input_type for field in masked} == {"password"}


def test_a_name_that_is_taken_is_said_and_an_address_is_not(ann: User) -> None:
    """Names are public: each has a page."""
    taken = sign_up(Client(), "ann", "eve@example.org")
    assert taken.status_code in (200, 422)
    known, free = (
        sign_up(Client(), f"eve{number}", f"{name}@example.org") for number, name in ((1, "ann"), (2, "bob"))
    )
    assert (known.status_code, known["Location"]) == (free.status_code, free["Location"])
