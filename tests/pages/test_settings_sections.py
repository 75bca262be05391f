"""The settings: each page is reached by the same navigation, which says where one is."""

import re

import pytest
from django.test import Client

from apps.accounts.settings_pages import SECTIONS, current
from tests.support.people import PASSWORD, member

pytestmark = pytest.mark.django_db

NAV = re.compile(r'<nav class="tabs sections".*?</nav>', re.DOTALL)
HERE = re.compile(r'href="([^"]+)" aria-current="page"')


@pytest.fixture
def ann(client: Client) -> Client:
    member("ann")
    # By the form: pages of the account ask for the password again otherwise.
    client.post("/accounts/login/", {"login": "ann", "password": PASSWORD})
    return client


def test_every_page_of_the_settings_shows_the_sections_and_where_one_is(ann: Client) -> None:
    for section in SECTIONS:
        for page in section.pages:
            answer = ann.get(page.path)
            assert answer.status_code == 200, page.path
            [nav] = NAV.findall(answer.content.decode())
            assert HERE.findall(nav) == [page.path]
            # The first page of each section, and all of this one.
            linked = set(re.findall(r'href="([^"]+)"', nav))
            assert linked == {one.pages[0].path for one in SECTIONS} | {one.path for one in section.pages}
            assert nav.count('aria-current="true"') == (len(section.pages) > 1)


def test_a_form_that_is_sent_elsewhere_shows_the_page_it_belongs_to(ann: Client) -> None:
    answer = ann.post("/settings/name/", {"username": "!"})
    assert answer.status_code == 422
    assert HERE.findall(NAV.findall(answer.content.decode())[0]) == ["/settings/"]
    for path, page in {
        "/settings/import/upload/": "/settings/import/",
        "/settings/picture/": "/settings/",
        "/settings/header/": "/settings/",
    }.items():
        found = current(path)
        assert found
        assert found[1].path == page
    assert current("/ann/") is None


def test_signing_out_is_no_page_of_the_settings(ann: Client) -> None:
    assert not NAV.search(ann.get("/accounts/logout/").content.decode())


def test_a_page_of_what_the_operator_switched_off_is_not_shown(ann: Client, settings) -> None:
    assert "/settings/by-mail/" in ann.get("/settings/").content.decode()
    settings.INBOUND_ADDRESS = ""
    assert "/settings/by-mail/" not in ann.get("/settings/").content.decode()
    assert ann.get("/settings/by-mail/").status_code == 404
