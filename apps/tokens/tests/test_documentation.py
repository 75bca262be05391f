"""docs/api.md: each line is typed as it stands there, and its answer is the one that stands below it."""

import json
import os
import re
import subprocess
from typing import Any

import pytest
from django.conf import settings

from apps.kwips.models import Kwip
from apps.tokens.tests.conftest import token_of
from tests.support.people import member
from tests.support.site import served

PAGE = (settings.BASE_DIR / "docs" / "api.md").read_text()
SITE = "https://kwippy.example"
# What differs each time.
CHANGING = {"id", "url", "created_at"}


def without_what_differs(answer: Any) -> Any:
    if isinstance(answer, list):
        return [without_what_differs(one) for one in answer]
    return {name: type(value) if name in CHANGING else value for name, value in answer.items()}


@pytest.mark.django_db(transaction=True)
def test_each_line_of_the_page_does_what_the_page_says(memcached: str) -> None:
    lines = re.findall(r"```sh\n(curl [^\n]+)\n```\n\n```json\n(.+?)\n```", PAGE, re.DOTALL)
    assert len(lines) == PAGE.count("```sh") == PAGE.count("```json") == 5
    secret = token_of(member("ann"))
    with served(memcached=memcached, workers=1) as port:
        for line, told in lines:
            command = line.replace(SITE, f"http://localhost:{port}").replace("curl ", "curl -sS ", 1)
            done = subprocess.run(
                ["bash", "-c", command],
                env=os.environ | {"TOKEN": secret},
                capture_output=True,
                text=True,
                check=True,
            )
            # The site calls itself by its SITE_URL, which is that of the page here.
            expected = json.loads(told.replace(SITE, "http://localhost:8000"))
            assert without_what_differs(json.loads(done.stdout)) == without_what_differs(expected), line
    assert [kwip.text for kwip in Kwip.objects.order_by("pk")] == ["a cup of tea", "for few", "good morning"]


def test_the_page_names_every_field_of_the_form() -> None:
    from apps.kwips.forms import KwipForm
    from apps.tokens.body import OF_THE_PAGE

    table = PAGE.split("The fields are those of the form")[1].split("\n\n")[1]
    named = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert named == set(KwipForm.base_fields).difference(OF_THE_PAGE)
