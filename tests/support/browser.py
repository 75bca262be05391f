"""Fixtures for tests in a real Chromium, and what axe says about a page."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

# A root shell (a container, CI) has no sandbox; the rest keeps Chromium from asking the network.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
OpenPage = Callable[..., Page]
# A rule of WCAG 2.2 AA that axe leaves off by itself: targets of 24 pixels, or with as much room around them.
AXE = {"rules": {"target-size": {"enabled": True}}}


class NoChromium(Exception):
    """There is no Chromium on this machine."""


def program() -> str:
    """Where Chromium is; raises NoChromium if it is nowhere."""
    for name in PROGRAMS:
        if path := shutil.which(name):
            return path
    raise NoChromium("chromium is not installed: tests in a browser are left out")


def new_context(
    browser: Browser,
    *,
    javascript: bool = True,
    width: int = 1280,
    scheme: Literal["light", "dark"] = "light",
) -> BrowserContext:
    """A visitor of their own: no cookies, a window of that width, that preference for colours."""
    context = browser.new_context(
        java_script_enabled=javascript,
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        reduced_motion="reduce",
        locale="en-GB",
    )
    context.set_default_timeout(15_000)
    return context


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of this process; skips without it, but fails where CI=true."""
    try:
        executable = program()
    except NoChromium as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    # Playwright's synchronous API keeps an event loop in this thread, for which Django would take
    # every query that follows for one made inside a coroutine.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """A function that opens a page as a new visitor; it takes what `new_context` takes."""
    contexts: list[BrowserContext] = []

    def open_page(
        *,
        javascript: bool = True,
        width: int = 1280,
        scheme: Literal["light", "dark"] = "light",
    ) -> Page:
        contexts.append(new_context(browser, javascript=javascript, width=width, scheme=scheme))
        return contexts[-1].new_page()

    yield open_page
    for context in contexts:
        context.close()


def violations(page: Page) -> list[str]:
    """What axe finds wrong with a page, one readable entry an element. The page needs JavaScript."""
    # Never with the policy bypassed: that changes what axe finds.
    found = Axe().run(page, options=AXE).response["violations"]
    return [
        f"{violation['id']} ({violation['impact']}): {violation['help']}\n"
        f"    {' '.join(map(str, node['target']))}\n"
        f"    {node['html']}\n"
        f"    {node['failureSummary']}"
        for violation in found
        for node in violation["nodes"]
    ]


@pytest.fixture
def axe() -> Callable[[Page], None]:
    """A function that fails the test if axe finds anything wrong with a page."""

    def check(page: Page) -> None:
        if found := violations(page):
            pytest.fail(f"{page.url}: {len(found)} violations\n\n" + "\n\n".join(found))

    return check
