"""Puzzles in Chromium: solved while one types, or waited for without script."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import SignUp
from apps.contact import forms
from apps.contact.models import Message
from apps.policy.models import SitePolicy
from apps.puzzles import puzzle as puzzles
from apps.puzzles.puzzle import Puzzle
from tests.support.people import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)
type Open = Callable[..., Page]


@pytest.fixture(autouse=True)
def asked(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    SitePolicy(proof_of_work=True).save()
    monkeypatch.setattr(forms, "MIN_SECONDS", -1)


def write(page: Page, url: str) -> None:
    page.goto(f"{url}/contact/")
    for name in ("name", "subject", "text"):
        page.fill(f"[name={name}]", "tea")
    page.fill("[name=email]", "ann@example.org")


def test_the_worker_solves_it_while_one_types(
    live_server: LiveServer, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a solution nothing would be taken.
    monkeypatch.setattr(puzzles, "WAIT_SECONDS", 10_000)
    page = open_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    write(page, live_server.url)
    expect(page.locator("[name=solution]")).not_to_have_value("", timeout=30_000)
    text, solution = (page.input_value(f"[name={name}]") for name in ("puzzle", "solution"))
    found = Puzzle.read(text, "contact")
    assert found
    assert found.is_solved_by(solution)
    page.click("main button[type=submit]")
    expect(page.locator("h1")).to_contain_text("thank you")
    assert Message.objects.count() == 1
    assert not complaints


def test_a_form_that_is_sent_at_once_waits_for_the_worker(
    live_server: LiveServer, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(puzzles, "WAIT_SECONDS", 10_000)
    page = open_page()
    page.goto(f"{live_server.url}/accounts/signup/")
    page.evaluate(
        """(password) => {
            const { elements } = document.querySelector("main form");
            [elements.username.value, elements.email.value] = ["eve", "eve@example.org"];
            elements.password1.value = elements.password2.value = password;
            const button = document.querySelector("main form button[type=submit]");
            button.click();
            button.click();
        }""",
        PASSWORD,
    )
    expect(page.locator("main")).to_contain_text("eve@example.org")
    page.wait_for_url("**/confirm-email/")
    assert SignUp.objects.get().username == "eve"


def test_a_puzzle_that_became_too_old_is_replaced_before_the_form_is_sent(
    live_server: LiveServer, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(puzzles, "WAIT_SECONDS", 10_000)
    page = open_page()
    page.clock.install()
    write(page, live_server.url)
    expect(page.locator("[name=solution]")).not_to_have_value("", timeout=30_000)
    before = page.input_value("[name=puzzle]")
    page.clock.set_fixed_time(time.time() + puzzles.LIFETIME)
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.click("main button[type=submit]")
    assert before not in (sent.value.post_data or "").replace("%3A", ":")
    expect(page.locator("h1")).to_contain_text("thank you")


def test_without_script_the_form_comes_back_until_it_is_old_enough(
    live_server: LiveServer, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(puzzles, "WAIT_SECONDS", 600)
    page = open_page(javascript=False, width=320)
    write(page, live_server.url)
    expect(page.locator(".puzzle noscript p")).to_be_visible()
    page.click("main button[type=submit]")
    expect(page.locator("main [role=alert]")).to_contain_text("then send it once more")
    expect(page.locator("[name=text]")).to_have_value("tea")
    monkeypatch.setattr(puzzles, "WAIT_SECONDS", -1)
    page.click("main button[type=submit]")
    expect(page.locator("h1")).to_contain_text("thank you")


def test_a_browser_that_cannot_compute_waits_by_itself(
    live_server: LiveServer, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.puzzles.forms.WAIT_SECONDS", 1)
    monkeypatch.setattr(puzzles, "WAIT_SECONDS", 1)
    page = open_page()
    page.add_init_script("delete window.Worker")
    write(page, live_server.url)
    page.click("main button[type=submit]")
    expect(page.locator("h1")).to_contain_text("thank you")


def test_a_worker_that_never_answers_is_not_waited_for(
    live_server: LiveServer, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.puzzles.forms.WAIT_SECONDS", 1)
    monkeypatch.setattr(puzzles, "WAIT_SECONDS", -1)  # the clock of the page alone is moved
    page = open_page()
    page.clock.install()
    page.route("**/puzzle-worker*", lambda route: route.fulfill(body="onmessage = () => {};"))
    write(page, live_server.url)
    page.click("main button[type=submit]")
    expect(page.locator(".puzzle [role=status]")).not_to_be_empty()
    page.clock.run_for(31_000)
    expect(page.locator("h1")).to_contain_text("thank you")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_forms_are_accessible_with_it(
    live_server: LiveServer, open_page: Open, axe: Callable[[Page], None], scheme: str
) -> None:
    page = open_page(width=320, scheme=scheme)
    for path in ("/contact/", "/accounts/signup/"):
        page.goto(live_server.url + path)
        page.evaluate("document.querySelector('.puzzle [role=status]').textContent = 'one moment…'")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        axe(page)
