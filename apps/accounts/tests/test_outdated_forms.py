"""Forms that were opened before the browser signed in, and browsers without cookies."""

import re

import pytest
from django.test import Client

from apps.accounts.models import User
from tests.support.people import PASSWORD

pytestmark = pytest.mark.django_db


def form_on(client: Client, address: str) -> dict[str, str]:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get(address).content.decode())
    assert found
    return {"csrfmiddlewaretoken": found[1], "login": "ann", "password": PASSWORD}


@pytest.mark.parametrize("address", ["/accounts/login/", "/accounts/signup/"])
@pytest.mark.parametrize(
    ("onward", "leads_to"),
    [("", "/"), ("/ann/kwip/7/", "/ann/kwip/7/"), ("//evil.example/", "/"), ("https://evil.example/", "/")],
)
def test_an_outdated_sign_in_form_redirects(ann: User, address: str, onward: str, leads_to: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    first, second = form_on(browser, "/accounts/login/"), form_on(browser, address)
    assert browser.post("/accounts/login/", first).status_code == 302
    answer = browser.post(address, second | {"next": onward})
    assert (answer.status_code, answer["Location"]) == (302, leads_to)


def test_an_outdated_form_that_changes_data_is_still_refused(ann: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    old = form_on(browser, "/accounts/login/")
    browser.post("/accounts/login/", old)
    page = browser.post("/settings/", old | {"display_name": "x", "bio": "what I typed"})
    assert page.status_code == 403
    assert "sat here too long" in page.content.decode()
    assert "what I typed" in page.content.decode()


def test_a_browser_without_cookies_gets_an_explanation(ann: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    form = form_on(browser, "/accounts/login/")
    browser.cookies.clear()
    page = browser.post("/accounts/login/", form)
    assert page.status_code == 403
    assert "keeps no cookies" in page.content.decode()
    assert "sat here too long" not in page.content.decode()
