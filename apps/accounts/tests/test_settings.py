"""The settings page with its three forms."""

import io
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from tests.support.people import member

pytestmark = pytest.mark.django_db


def picture() -> SimpleUploadedFile:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    return SimpleUploadedFile("me.png", file.getvalue(), "image/png")


TYPED: dict[str, dict[str, str]] = {
    "/settings/": {"display_name": "Ann O'Tea", "bio": "writes long letters"},
    "/settings/name/": {"username": "teapot"},
    "/settings/picture/": {},
}


@pytest.mark.asvs("2.2.2")
@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ("profile", "/settings/"),
        ("rename", "/settings/name/"),
        ("picture", "/settings/picture/"),
        ("picture_seconds", "/settings/picture/"),
    ],
)
def test_a_rate_limited_form_keeps_its_input_and_the_other_forms_are_shown(
    client: Client, settings: LazySettings, scope: str, path: str
) -> None:
    settings.LIMITS = settings.LIMITS | {scope: "1/1h"}
    client.force_login(member("ann"))

    def send(typed: dict[str, str]) -> Any:
        return client.post(path, typed or {"picture": picture()})

    assert send({name: f"{value}1" for name, value in TYPED[path].items()}).status_code == 302
    refused = send(TYPED[path])
    assert refused.status_code == 429
    assert 3_000 < int(refused["Retry-After"]) <= 3_600
    page = refused.content.decode()
    for field in ("display_name", "bio", "picture", "username"):
        assert f'name="{field}"' in page
    for value in TYPED[path].values():
        assert value.replace("'", "&#x27;") in page
