"""Codes of an app and recovery codes: each lets its owner in once, after the password."""

import re
from functools import partial

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.db import connection
from django.db.models import Sum
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts import factor_resets
from apps.accounts.models import User
from apps.factors.actions import use_code
from apps.factors.tests.steps import (
    Clock,
    add_app,
    code_at,
    enter_code,
    enter_password,
    secret_of,
    shown_codes,
    signed_in,
)
from apps.limits.tests.clock import let_pass
from apps.securitylog import Event
from apps.securitylog.models import Entry
from tests.support.concurrency import at_once
from tests.support.people import PASSWORD, link_to, who_is_in


def test_the_password_alone_lets_nobody_in(ann: User, clock: Clock) -> None:
    secret, _codes = add_app(signed_in(ann))
    clock.pass_by(60)
    browser = Client()
    assert enter_password(browser, ann) == "/accounts/2fa/authenticate/"
    assert who_is_in(browser) is None
    assert browser.get("/settings/")["Location"].startswith("/accounts/login/")
    assert enter_code(browser, "000000") == "wrong"
    assert who_is_in(browser) is None
    assert enter_code(browser, code_at(secret)) == "in"
    assert who_is_in(browser) == "ann"


@pytest.mark.asvs("6.5.1")
def test_a_code_counts_once_for_as_long_as_it_is_valid(ann: User, clock: Clock) -> None:
    secret, _codes = add_app(signed_in(ann))
    clock.pass_by(60)
    code = code_at(secret)
    for seconds, result in ((0, "in"), (0, "wrong"), (14, "wrong"), (10, "wrong")):
        clock.pass_by(seconds)
        browser = Client()
        enter_password(browser, ann)
        assert enter_code(browser, code) == result, seconds


def test_the_code_that_added_the_app_lets_nobody_in_a_second_time(ann: User, clock: Clock) -> None:
    secret, _codes = add_app(signed_in(ann))
    browser = Client()
    enter_password(browser, ann)
    assert enter_code(browser, code_at(secret)) == "wrong"
    clock.pass_by(30)
    assert enter_code(browser, code_at(secret)) == "in"


def test_a_code_is_taken_from_its_beginning_until_ten_seconds_after_its_end(ann: User, clock: Clock) -> None:
    secret, _codes = add_app(signed_in(ann))
    for seconds, result in ((-1, "wrong"), (0, "in"), (29, "in"), (30, "in"), (39, "in"), (40, "wrong")):
        begins = (clock.now // 30 + 10) * 30
        clock.now = begins + seconds
        browser = Client()
        enter_password(browser, ann)
        assert enter_code(browser, code_at(secret, begins)) == result, seconds


def test_an_older_code_does_not_count_after_a_newer_one(ann: User, clock: Clock) -> None:
    secret, _codes = add_app(signed_in(ann))
    clock.pass_by(300 - 10)  # in the first seconds of a step
    assert use_code(user_id=ann.pk, code=code_at(secret, clock.now))
    assert not use_code(user_id=ann.pk, code=code_at(secret, clock.now - 30))
    assert not use_code(user_id=ann.pk, code=code_at(secret, clock.now))


@pytest.mark.django_db(transaction=True)
def test_of_many_who_send_the_same_code_at_once_one_gets_in(ann: User, clock: Clock) -> None:
    secret, codes = add_app(signed_in(ann))
    clock.pass_by(60)
    for code in (code_at(secret), codes[0]):
        use = partial(use_code, user_id=ann.pk, code=code)
        assert sorted(found is not None for found in at_once([use] * 8)) == [False] * 7 + [True]


@pytest.mark.asvs("6.5.1")
def test_a_recovery_code_lets_its_owner_in_once_and_she_is_told(ann: User, clock: Clock) -> None:
    _secret, codes = add_app(signed_in(ann))
    assert len(codes) == 10 == len(set(codes))
    mail.outbox.clear()
    browser = Client()
    enter_password(browser, ann)
    assert enter_code(browser, codes[3]) == "in"
    assert who_is_in(browser) == "ann"
    assert [told.subject for told in mail.outbox].count("a recovery code was used") == 1
    again = Client()
    enter_password(again, ann)
    assert enter_code(again, codes[3].replace(" ", "")) == "wrong"
    assert enter_code(again, codes[4].replace(" ", "-")) == "in"
    assert "8 of 10 left" in again.get("/accounts/2fa/").content.decode()


def test_who_lost_all_factors_is_told_to_write_and_how_long_it_takes(ann: User, clock: Clock) -> None:
    add_app(signed_in(ann))
    browser = Client()
    page = browser.get(enter_password(browser, ann)).content.decode()
    assert '<a href="/contact/">write to us</a>' in page
    assert ("three days" in page, factor_resets.DAYS) == (True, 3)


def test_recovery_codes_are_shown_once_and_new_ones_end_the_former(ann: User, clock: Clock) -> None:
    client = signed_in(ann)
    _secret, codes = add_app(client)
    page = client.get("/accounts/2fa/codes/").content.decode()
    assert codes[0] not in page
    assert codes[0].replace(" ", "") not in page
    assert client.head("/accounts/2fa/codes/").status_code == 405
    assert client.post("/accounts/2fa/codes/new/")["Location"] == "/accounts/2fa/codes/"
    new = shown_codes(client)
    assert len(new) == 10
    assert not set(new) & set(codes)
    assert not use_code(user_id=ann.pk, code=codes[0])
    assert use_code(user_id=ann.pk, code=new[0])


def test_the_page_with_the_codes_keeps_no_copy_and_offers_a_file(ann: User, clock: Clock) -> None:
    client = signed_in(ann)
    page = client.get("/accounts/2fa/app/").content.decode()
    secret = page.split('id="secret"', 1)[1].split(">", 1)[1].split("<", 1)[0]
    client.post("/accounts/2fa/app/", {"code": code_at(secret)})
    answer = client.get("/accounts/2fa/codes/")
    assert "no-store" in answer["Cache-Control"]
    assert 'href="data:text/plain;charset=utf-8,' in answer.content.decode()
    assert "%0A" in answer.content.decode()


def test_the_picture_stands_in_the_page_and_a_reload_keeps_it(ann: User) -> None:
    client = signed_in(ann)
    page, again = (client.get("/accounts/2fa/app/").content.decode() for _ in range(2))
    drawn = page.split('<path d="M', 1)[1].split('"', 1)[0]
    assert drawn in again
    assert "data:" not in page
    assert "otpauth://totp/ann?secret=" in page


def test_the_field_of_the_first_code_is_named(ann: User) -> None:
    page = signed_in(ann).get("/accounts/2fa/app/").content.decode()
    assert re.search(r"<label[^>]*>\s*the code that it shows now", page)
    assert page.count("or type this into the app") == 1


def test_a_wrong_first_code_adds_nothing_and_the_secret_stays(ann: User) -> None:
    client = signed_in(ann)
    before = client.get("/accounts/2fa/app/").content.decode()
    answer = client.post("/accounts/2fa/app/", {"code": "12 34 5x"})
    assert answer.status_code == 422
    assert 'value="12 34 5x"' in answer.content.decode()
    assert before.split('<path d="M', 1)[1].split('"', 1)[0] in answer.content.decode()
    assert not Authenticator.objects.exists()


def test_removing_the_last_factor_removes_the_recovery_codes(ann: User, clock: Clock) -> None:
    client = signed_in(ann)
    add_app(client)
    mail.outbox.clear()
    assert client.post("/accounts/2fa/app/remove/")["Location"] == "/accounts/2fa/"
    assert not Authenticator.objects.exists()
    assert [told.subject for told in mail.outbox] == ["your second factor was removed: the app"]
    assert enter_password(Client(), ann) == "/"


def test_a_factor_is_added_and_removed_with_the_password_alone(ann: User, clock: Clock) -> None:
    client = signed_in(ann)
    add_app(client)
    clock.pass_by(3600)
    for path in ("app/remove/", "codes/new/", "passkeys/add/", "codes/"):
        assert client.get(f"/accounts/2fa/{path}")["Location"].startswith("/accounts/reauthenticate/"), path
    assert Authenticator.objects.count() == 2


def test_a_code_is_a_way_to_say_that_it_is_still_you(ann: User, clock: Clock) -> None:
    client = signed_in(ann)
    secret, _codes = add_app(client)
    clock.pass_by(3600)
    asked = "/accounts/2fa/reauthenticate/?next=/accounts/2fa/codes/new/"
    assert "use your password" in client.get(asked).content.decode()
    sent = client.post(asked, {"code": code_at(secret), "next": "/accounts/2fa/codes/new/"})
    assert sent["Location"] == "/accounts/2fa/codes/new/"
    assert client.get("/accounts/2fa/codes/new/").status_code == 200


HOME, ATTACKER = "198.51.100.7", "203.0.113.9"


@pytest.mark.asvs("6.3.1")
def test_guesses_are_limited_and_the_owner_gets_in_from_elsewhere(ann: User, clock: Clock) -> None:
    secret, _codes = add_app(signed_in(ann, REMOTE_ADDR=HOME))
    clock.pass_by(60)
    attacker = Client(REMOTE_ADDR=ATTACKER)
    enter_password(attacker, ann)
    assert [enter_code(attacker, f"00000{n}") for n in range(7)] == ["wrong"] * 5 + ["limited"] * 2
    assert enter_code(attacker, code_at(secret)) == "limited", "the answer must not tell that it was right"
    assert [told.subject for told in mail.outbox].count("somebody knows your password") == 1
    owner = Client(REMOTE_ADDR=HOME)
    enter_password(owner, ann)
    assert enter_code(owner, code_at(secret)) == "in"
    let_pass(301)
    assert enter_code(attacker, "000009") == "wrong"


def test_guesses_over_many_networks_end_and_a_new_password_lifts_the_limit(
    ann: User, clock: Clock, settings
) -> None:
    settings.LIMITS = settings.LIMITS | {"factor_anywhere": "6/1d"}
    owner = signed_in(ann, REMOTE_ADDR=HOME)
    secret, _codes = add_app(owner)
    clock.pass_by(60)
    results = []
    for n in range(8):
        attacker = Client(REMOTE_ADDR=f"203.0.113.{n + 1}")
        enter_password(attacker, ann)
        results.append(enter_code(attacker, "000000"))
    assert results == ["wrong"] * 6 + ["limited"] * 2
    form = {"oldpassword": PASSWORD, "password1": "seven green teapots", "password2": "seven green teapots"}
    assert owner.post("/accounts/password/change/", form).status_code == 302
    browser = Client(REMOTE_ADDR=HOME)
    enter_password(browser, ann, "seven green teapots")
    assert enter_code(browser, code_at(secret)) == "in"


def test_a_stolen_session_does_not_use_up_the_owners_codes(ann: User, clock: Clock, settings) -> None:
    settings.LIMITS = settings.LIMITS | {"factor": "3/5m", "factor_anywhere": "3/1d", "factor_again": "4/1d"}
    stolen = signed_in(ann)
    secret, _codes = add_app(stolen)
    clock.pass_by(3600)
    for _ in range(6):
        stolen.post("/accounts/2fa/reauthenticate/", {"code": "000000"})
    assert stolen.post("/accounts/2fa/reauthenticate/", {"code": code_at(secret)}).status_code != 302
    browser = Client()
    enter_password(browser, ann)
    assert enter_code(browser, code_at(secret)) == "in"


@pytest.mark.parametrize("scope", ["factor", "factor_anywhere", "factor_change", "passkey"])
def test_refused_tries_are_in_the_security_log(scope: str, ann: User, clock: Clock, settings) -> None:
    owner = signed_in(ann)
    add_app(owner)
    settings.LIMITS = settings.LIMITS | {scope: "1/1d"}
    browser = Client(REMOTE_ADDR=ATTACKER)
    enter_password(browser, ann)
    for _ in range(2):
        enter_code(browser, "000000")
        owner.post("/accounts/2fa/codes/new/")
        browser.get("/accounts/2fa/passkeys/sign-in/")
    refused = Entry.objects.filter(event=Event.LIMIT_MET).values_list("details__limit", flat=True)
    assert set(refused) == {scope}


def test_resets_by_mail_do_not_buy_more_guesses(ann: User, clock: Clock, settings) -> None:
    settings.LIMITS = settings.LIMITS | {"factor_anywhere": "3/1d"}
    add_app(signed_in(ann))
    wrong, password = [], PASSWORD
    for n in range(3):
        browser = Client(REMOTE_ADDR=f"203.0.113.{n + 1}")
        enter_password(browser, ann, password)
        wrong.append([enter_code(browser, "000000") for _ in range(4)].count("wrong"))
        browser.post("/accounts/password/reset/", {"email": ann.email})
        form = browser.get(link_to(ann.email), follow=True).redirect_chain[-1][0]
        password = f"seven green teapots {n}"
        assert browser.post(form, {"password1": password, "password2": password}).status_code == 302
        assert who_is_in(browser) is None, "a new password alone lets nobody in"
    assert wrong == [3, 3, 0]


def test_right_codes_are_not_counted(ann: User, clock: Clock) -> None:
    secret, _codes = add_app(signed_in(ann))
    for _ in range(8):
        clock.pass_by(60)
        browser = Client()
        enter_password(browser, ann)
        assert enter_code(browser, code_at(secret)) == "in"


@pytest.mark.django_db(transaction=True)
def test_factors_are_added_so_often_a_day_and_removed_at_any_time(ann: User, clock: Clock, settings) -> None:
    settings.LIMITS = settings.LIMITS | {"factor_change": "3/1d"}
    client = signed_in(ann)
    for _ in range(2):  # a wrong code adds nothing
        client.get("/accounts/2fa/app/")
        assert client.post("/accounts/2fa/app/", {"code": "000000"}).status_code == 422
    add_app(client)
    mail.outbox.clear()
    statuses = [client.post("/accounts/2fa/codes/new/").status_code for _ in range(4)]
    assert statuses == [302, 302, 429, 429]
    made = Entry.objects.filter(event=Event.CODES_MADE).aggregate(times=Sum("times"))
    assert made == {"times": 1 + 2}, "with the app, and twice anew"
    assert len(mail.outbox) == 2
    kept = Authenticator.objects.get(type="recovery_codes").data
    assert client.put("/accounts/2fa/codes/new/").status_code == 429
    assert Authenticator.objects.get(type="recovery_codes").data == kept
    assert len(mail.outbox) == 2
    assert client.post("/accounts/2fa/app/remove/").status_code == 302
    assert client.get("/accounts/2fa/app/").status_code == 200
    assert client.post("/accounts/2fa/app/", {"code": "000000"}).status_code == 429
    assert client.post("/accounts/2fa/passkeys/add/", {"credential": "{}"}).status_code == 429


@pytest.mark.parametrize("code", ["", " ", "9" * 33, "\x00", "١٢٣٤٥٦", "-1", "1" * 32, "None"])
def test_what_is_no_code_is_refused_in_clear_words(code: str, ann: User, clock: Clock) -> None:
    add_app(signed_in(ann))
    browser = Client()
    enter_password(browser, ann)
    answer = browser.post("/accounts/2fa/authenticate/", {"code": code})
    assert answer.status_code == 422
    assert 'class="errorlist"' in answer.content.decode()


def test_nothing_tells_who_has_a_second_factor_before_the_password_was_right(ann: User, clock: Clock) -> None:
    plain = enter_password(Client(), ann, "a guess")
    pages = []
    for _ in range(2):
        page = Client().post("/accounts/login/", {"login": "ann", "password": "a guess"}).content.decode()
        pages.append(page.split("</head>", 1)[1].split('csrfmiddlewaretoken"', 1)[0])
        if not Authenticator.objects.exists():
            add_app(signed_in(ann))
    assert pages[0] == pages[1]
    assert enter_password(Client(), ann, "a guess") == plain == "200"


def test_secrets_are_not_in_the_database(ann: User, clock: Clock) -> None:
    secret, codes = add_app(signed_in(ann))
    stored = str(list(Authenticator.objects.values()))
    assert secret == secret_of(ann)
    for text in (secret, *codes, *(code.replace(" ", "") for code in codes)):
        assert text not in stored


def test_no_page_but_those_of_second_factors_reads_their_table(ann: User, clock: Clock) -> None:
    client = signed_in(ann)
    add_app(client)
    for path in ("/", "/everyone/", "/ann/", "/settings/", "/notifications/"):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        assert not [query["sql"] for query in queries if "mfa_authenticator" in query["sql"]], path
    with CaptureQueriesContext(connection) as queries:
        client.get("/accounts/2fa/")
    assert len([query for query in queries if "mfa_authenticator" in query["sql"]]) == 1
