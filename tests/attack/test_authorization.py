"""Every address of the URL map, by every method, as every role.

The table is `tests/privacy/table.py`: an address that it lacks fails here, and one that it does not say to be
for everyone is for members alone. `TORTURE=1` asks for every address of each pattern.
"""

import os
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from django.conf import settings as site
from django.test import Client

from apps.securitylog import allowance
from kwippy.asking import Asks, asks_at
from tests.attack.roles import FOLLOWER, OPERATOR, ROLES, STRANGER, SUSPENDED, Cast, admin_paths, one_of_each
from tests.privacy.addresses import Address, addresses, patterns
from tests.privacy.table import EVERYONE, MODERATORS, OF_ITS_OWNER, OPERATORS, SEEN, TABLE, WITHOUT_CSRF
from tests.privacy.world import ANONYMOUS, AUTHOR, MODERATOR

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.asvs("8.2.1", "8.2.2", "8.3.1", "4.1.4"),
]

OUTSIDE = (ANONYMOUS, SUSPENDED)
# Written by the way: limits, sessions, the log of what matters, and since when a role needs a second factor.
ALWAYS = {
    "limits_tries",
    "limits_cache",
    "django_session",
    "usersessions_usersession",
    "securitylog_entry",
    "moderation_factorduty",
}


class Answer(NamedTuple):
    address: Address
    role: str
    method: str
    status: int
    location: str
    written: frozenset[str]

    def __str__(self) -> str:
        wrote = f", wrote {', '.join(sorted(self.written))}" if self.written else ""
        return f"{self.role} {self.method} {self.address.path}: {self.status} {self.location}{wrote}"

    @property
    def is_refused(self) -> bool:
        """To sign in, to type the password again, or: it is not there, or not theirs."""
        if self.status == 302:
            return self.location.startswith(("/accounts/login/", "/accounts/reauthenticate/"))
        return self.status in (401, 403, 404, 405, 410)


@pytest.fixture
def people(memcached: str, settings) -> Cast:
    settings.LIMITS = dict.fromkeys(settings.LIMITS)
    settings.ACCOUNT_RATE_LIMITS = dict.fromkeys(settings.ACCOUNT_RATE_LIMITS)
    return Cast()


def asked(people: Cast) -> Iterator[Address]:
    if os.environ.get("TORTURE") == "1":
        for pattern in patterns():
            yield from addresses(pattern, people.world)
    else:
        yield from one_of_each(people.world)


def ask(people: Cast, role: str, method: str, address: Address, **options: str) -> Answer:
    response, written = people.ask(role, method, address.path, **options)
    location = response.get("Location", "")
    return Answer(address, role, method, response.status_code, location, frozenset(written))


_swept: list[Answer] = []


@pytest.fixture
def answers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[Answer]:
    """Of each role to GET and POST of each address: once for all tests of a process."""
    if not _swept:
        for name in ("A_MINUTE", "A_DAY", "MOST_TIMES"):  # so many refusals are one row otherwise
            monkeypatch.setattr(allowance, name, 10**9)
        people = request.getfixturevalue("people")
        for address in asked(people):
            _swept.extend(ask(people, role, method, address) for role in ROLES for method in ("GET", "POST"))
    return _swept


def may_enter(pattern: str, role: str) -> bool:
    if pattern in EVERYONE:
        return True
    if pattern in OPERATORS:
        return role == OPERATOR
    if pattern in MODERATORS:
        return role in (MODERATOR, OPERATOR)
    return role not in OUTSIDE


def test_each_address_says_who_may_ask() -> None:
    assert set(patterns()) - TABLE.keys() == set(), "say in tests/privacy/table.py what it shows, and to whom"
    for sets in (EVERYONE, MODERATORS, OPERATORS, OF_ITS_OWNER, WITHOUT_CSRF):
        assert sets - set(patterns()) == set(), "it is no address any more"
    assert not EVERYONE & (MODERATORS | OPERATORS | OF_ITS_OWNER)


def test_each_role_enters_what_the_table_says(answers: list[Answer]) -> None:
    wrong = [f"{answer}; a fault" for answer in answers if answer.status >= 500]
    for answer in answers:
        pattern = answer.address.pattern
        if not may_enter(pattern, answer.role) and (not answer.is_refused or answer.written - ALWAYS):
            wrong.append(f"{answer}; it is not for them")
        is_sent_to_sign_in = answer.location.startswith("/accounts/login/?next=")
        if pattern in EVERYONE and answer.method == "GET" and is_sent_to_sign_in:
            wrong.append(f"{answer}; it is for everyone")
    assert not wrong, "\n".join(wrong)


def test_what_is_another_persons_is_not_there(answers: list[Answer]) -> None:
    wrong = []
    for answer in answers:
        reports = answer.role == FOLLOWER and answer.address.pattern.startswith("moderation/reports/")
        owner = answer.address.arguments.get("owner", AUTHOR)
        if answer.address.pattern not in OF_ITS_OWNER or answer.role == owner or reports:
            continue
        # A button beside the own things leads back to the list of these.
        is_list = answer.method == "POST" and answer.status == 302
        # The own side of a conversation is counted anew.
        if not (answer.is_refused or is_list) or answer.written - ALWAYS - {"private_messages_side"}:
            wrong.append(str(answer))
    assert not wrong, "\n".join(wrong)


@pytest.mark.asvs("16.3.2")
def test_what_is_refused_to_who_is_signed_in_is_in_the_security_log(answers: list[Answer]) -> None:
    """For want of a role, or of a right to a thing. To be asked for the password again is neither."""
    expected, wrong = 0, []
    for answer in answers:
        asks = asks_at(answer.address.pattern)
        has_no_role = asks is Asks.STAFF and answer.role not in (*OUTSIDE, MODERATOR, OPERATOR)
        is_kept_out = answer.status in (403, 404) or answer.location.startswith("/admin/login/")
        is_asked = asks not in (Asks.NEVER, Asks.ITSELF) and not has_no_role
        is_refused = (has_no_role and is_kept_out) or (
            answer.status == 403 and answer.role not in OUTSIDE and not is_asked
        )
        is_recorded = "securitylog_entry" in answer.written
        expected += is_refused
        if is_refused and not is_recorded:
            wrong.append(f"{answer}; nobody hears of it")
        if answer.role == ANONYMOUS and answer.status in (403, 404) and is_recorded:
            wrong.append(f"{answer}; of a visitor")
    assert not wrong, "\n".join(wrong)
    assert expected > 50


@pytest.mark.asvs("3.5.3")
def test_what_reads_writes_nothing(people: Cast, answers: list[Answer]) -> None:
    reading = [answer for answer in answers if answer.method == "GET"]
    for address in asked(people):
        reading += [ask(people, AUTHOR, method, address) for method in ("HEAD", "OPTIONS")]
    wrong = [str(answer) for answer in reading if answer.status >= 500 or answer.written - SEEN - ALWAYS]
    assert not wrong, "\n".join(wrong)


def test_other_methods_do_nothing(people: Cast) -> None:
    wrong = []
    for address in asked(people):
        for method in ("PUT", "PATCH", "DELETE", "TRACE"):
            answer = ask(people, AUTHOR, method, address)
            if answer.status >= 500 or answer.written - SEEN - ALWAYS:
                wrong.append(str(answer))
    assert not wrong, "\n".join(wrong)


@pytest.mark.asvs("3.5.1")
def test_no_form_without_its_token_is_taken(people: Cast) -> None:
    """Nor with one of another visitor's."""
    for role in (ANONYMOUS, AUTHOR):
        browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
        for name, cookie in people.clients[role].cookies.items():
            browser.cookies[name] = cookie.value
        browser.cookies[site.CSRF_COOKIE_NAME] = "b" * 32
        people.clients[role] = browser
    wrong = []
    for address in asked(people):
        for role, token in ((ANONYMOUS, "a" * 32), (AUTHOR, ""), (AUTHOR, "a" * 32)):
            form = {
                "data": f"csrfmiddlewaretoken={token}",
                "content_type": "application/x-www-form-urlencoded",
            }
            answer = ask(people, role, "POST", address, **form)
            is_taken = answer.status not in (403, 404, 405) and not is_second_tab(answer)
            if (is_taken or answer.written - ALWAYS) and address.pattern not in WITHOUT_CSRF:
                wrong.append(str(answer))
    assert not wrong, "\n".join(wrong)


def is_second_tab(answer: Answer) -> bool:
    """A member who sends an old form for signing in is led on, without any effect."""
    return answer.role == AUTHOR and answer.address.path in ("/accounts/login/", "/accounts/signup/")


def test_the_admin_is_for_operators_alone(people: Cast) -> None:
    wrong = []
    for path in admin_paths():
        for role in (ANONYMOUS, STRANGER, MODERATOR, OPERATOR):
            for method in ("GET", "POST"):
                answer = ask(people, role, method, Address("admin/", path, {}))
                may = role == OPERATOR
                is_kept_out = answer.is_refused or answer.status == 302
                # The list of the site's pages has all of them: a GET adds those that a release brought.
                written = answer.written - ALWAYS - {"sitepages_sitepage"}
                if answer.status >= 500 or (written and not (may and method == "POST")):
                    wrong.append(str(answer))
                elif not may and not is_kept_out:
                    wrong.append(f"{answer}; it is not for them")
    assert not wrong, "\n".join(wrong)
