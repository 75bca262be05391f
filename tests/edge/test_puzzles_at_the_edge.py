"""A puzzle is solved in Chromium through nginx as it is deployed, whose headers go with the worker, too."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, expect

from apps.policy.models import SitePolicy
from apps.puzzles.puzzle import Puzzle
from tests.support.browser import FLAGS, program
from tests.support.edge import deployed_edge
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)

DOMAIN = "kwippy.example"


@pytest.fixture
def url(transactional_db: None, memcached: str, tmp_path: Path) -> Iterator[str]:
    SitePolicy(proof_of_work=True).save()
    variables = {
        "SITE_URL": f"https://{DOMAIN}",
        "BEHIND_TLS_PROXY": "on",
        "TRUSTED_PROXIES": "127.0.0.0/8",
    }
    with ExitStack() as stack:
        port = stack.enter_context(served(memcached=memcached, workers=1, variables=variables, host=DOMAIN))
        nginx = stack.enter_context(deployed_edge(tmp_path / "edge", gunicorn=port, domain=DOMAIN))
        shutil.copytree(settings.STATICFILES_DIRS[0], nginx.static, dirs_exist_ok=True)
        yield f"https://{DOMAIN}:{nginx.port}"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Of a browser that finds the domain here, and takes its certificate."""
    flags = [*FLAGS, f"--host-resolver-rules=MAP {DOMAIN} 127.0.0.1"]
    chromium = browser.browser_type.launch(executable_path=program(), args=flags)
    yield chromium.new_context(ignore_https_errors=True, service_workers="block").new_page()
    chromium.close()


def test_the_worker_runs_behind_nginx(url: str, page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{url}/contact/")
    page.fill("main form [name=text]", "tea")
    expect(page.locator("[name=solution]")).not_to_have_value("", timeout=60_000)
    text, solution = (page.input_value(f"[name={name}]") for name in ("puzzle", "solution"))
    found = Puzzle.read(text, "contact")
    assert found
    assert found.is_solved_by(solution)
    assert not complaints
