"""Fixtures for tests in Chromium, and accessibility checks by axe."""

import functools
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Frame, Locator, Page, sync_playwright

# A root shell (a container, CI) has no sandbox; the other flags stop its background requests.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Chromium without windows takes half the time for the same pages. Debian has it as a package of its own.
HEADLESS = "chromium-headless-shell"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
OpenPage = Callable[..., Page]
# A rule of WCAG 2.2 AA that axe does not enable by default: targets of 24 pixels or with that much spacing.
# Only violations: the details of all that passes take axe and the browser longer than the check itself.
AXE = {"rules": {"target-size": {"enabled": True}}, "resultTypes": ["violations"]}
# The rule that depends on the colour scheme.
AXE_OF_COLOURS = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}

# null where it is not on the page yet.
RUN_AXE = "options => 'axe' in window ? axe.run(options).then(found => found.violations) : null"


class NoChromium(Exception):
    """Chromium is not installed."""


def program(*, whole: bool = False) -> str:
    """The path of Chromium; with ``whole``, of one that has the back/forward cache. Raises NoChromium."""
    for name in PROGRAMS if whole else (HEADLESS, *PROGRAMS):
        if path := shutil.which(name):
            return path
    raise NoChromium("chromium is not installed: tests in a browser are skipped")


def new_context(
    browser: Browser,
    *,
    javascript: bool = True,
    width: int = 1280,
    scheme: Literal["light", "dark"] = "light",
    workers: Literal["allow", "block"] = "block",
) -> BrowserContext:
    """A new context without cookies, with this width and colour scheme.

    A service worker is allowed only where it is tested: `page.route` does not see what it sends.
    """
    context = browser.new_context(
        java_script_enabled=javascript,
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        reduced_motion="reduce",
        service_workers=workers,
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
    # Playwright's synchronous API leaves an event loop in this thread; Django would refuse queries in it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with pytest.MonkeyPatch.context() as patched, sync_playwright() as playwright:
        patched.setattr(Locator, "click", loading(Locator.click))
        patched.setattr(Locator, "press", loading(Locator.press))
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
        workers: Literal["allow", "block"] = "block",
    ) -> Page:
        context = new_context(browser, javascript=javascript, width=width, scheme=scheme, workers=workers)
        contexts.append(context)
        return contexts[-1].new_page()

    yield open_page
    for context in contexts:
        context.close()


def loading(act: Callable[..., None]) -> Callable[..., None]:
    """A click or a key that also waits until the page to which it leads is loaded.

    Playwright waits for its first bytes alone: a test that then counts cards may count too few.
    """

    @functools.wraps(act)
    def act_and_wait(locator: Locator, *arguments: Any, **options: Any) -> None:
        page = locator.page
        came: list[Frame] = []

        def keep(frame: Frame) -> None:
            came.append(frame)

        page.on("framenavigated", keep)
        act(locator, *arguments, **options)
        page.remove_listener("framenavigated", keep)
        # Not for each: a page that came from the back/forward cache never has this state.
        if page.main_frame in came:
            page.wait_for_load_state()

    return act_and_wait


def violations(page: Page, options: dict[str, Any] = AXE) -> list[str]:
    """The violations that axe finds, one readable entry an element. The page needs JavaScript."""
    found = page.evaluate(RUN_AXE, options)
    if found is None:
        # With the content security policy in force: bypassing it changes the result.
        page.evaluate(Axe().axe_script)
        found = page.evaluate(RUN_AXE, options)
    return [
        f"{violation['id']} ({violation['impact']}): {violation['help']}\n"
        f"    {' '.join(map(str, node['target']))}\n"
        f"    {node['html']}\n"
        f"    {node['failureSummary']}"
        for violation in found
        for node in violation["nodes"]
    ]


@pytest.fixture
def axe() -> Callable[..., None]:
    """A function that fails the test if axe finds a violation. It takes a page, and options of axe."""

    def check(page: Page, options: dict[str, Any] = AXE) -> None:
        if found := violations(page, options):
            pytest.fail(f"{page.url}: {len(found)} violations\n\n" + "\n\n".join(found))

    return check
