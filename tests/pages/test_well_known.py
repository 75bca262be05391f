"""Well-known URLs for programs: small responses, never an HTML page."""

import datetime
import io
import json
from urllib.robotparser import RobotFileParser

import pytest
from django.conf import LazySettings
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import timezone
from PIL import Image

from apps.accounts.models import User
from apps.accounts.validators import reserved_names
from kwippy.well_known import PRIVATE, TRAINING_CRAWLERS

pytestmark = pytest.mark.django_db
SITE = "http://localhost:8000"


def robots(client: Client) -> RobotFileParser:
    answer = client.get("/robots.txt")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
    parsed = RobotFileParser()
    parsed.parse(answer.content.decode().splitlines())
    return parsed


@pytest.mark.parametrize("refuse", [True, False])
def test_crawlers_may_read_what_everyone_may_and_those_that_train_models_by_the_setting(
    client: Client, settings: LazySettings, refuse: bool
) -> None:
    settings.REFUSE_TRAINING = refuse
    told = robots(client)
    assert told.site_maps() == [f"{SITE}/sitemap.xml"]
    for path in (
        "/",
        "/everyone/",
        "/ann/",
        "/ann/kwip/1/",
        "/tag/tea/",
        "/about/",
        "/contact/",
        "/media/x.png",
    ):
        assert told.can_fetch("SomeSearchBot", SITE + path), path
        for name in TRAINING_CRAWLERS:
            assert told.can_fetch(name, SITE + path) != refuse, (name, path)
    for path in PRIVATE:
        assert not told.can_fetch("SomeSearchBot", SITE + path), path
    assert told.can_fetch("Googlebot", f"{SITE}/") is True


def test_a_path_that_robots_txt_disallows_is_not_a_persons_page() -> None:
    assert {path.split("/")[1] for path in PRIVATE} <= reserved_names()


def test_password_managers_are_led_to_where_a_password_is_changed(client: Client) -> None:
    answer = client.get("/.well-known/change-password")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/password/change/")
    client.force_login(User.objects.create_user("ann", "ann@example.org", "seven green teapots"))
    assert client.get("/.well-known/change-password", follow=True).status_code == 200


def test_who_found_a_hole_learns_whom_to_tell(client: Client, settings: LazySettings) -> None:
    answer = client.get("/.well-known/security.txt")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in answer.content.decode().splitlines())
    assert fields["Contact"] == "mailto:security@kwippy.example"
    assert fields["Canonical"] == f"{SITE}/.well-known/security.txt"
    expires = datetime.datetime.strptime(fields["Expires"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.UTC)
    left = expires - timezone.now()
    assert datetime.timedelta(days=30) < left < datetime.timedelta(days=365)
    settings.SECURITY_CONTACT = ""
    assert client.get("/.well-known/security.txt").status_code == 404


@pytest.mark.parametrize("path", ["nothing", "a/b/c", "webfinger", "%F0%9F%8D%B5", "x" * 500])
def test_any_other_well_known_address_is_a_small_plain_404(client: Client, path: str) -> None:
    answer = client.get(f"/.well-known/{path}")
    assert (answer.status_code, answer.content) == (404, b"not found\n")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"


def test_a_site_can_be_put_on_a_phones_screen(client: Client) -> None:
    page = client.get("/about/").content.decode()
    assert '<link rel="manifest" href="/manifest.webmanifest">' in page
    answer = client.get("/manifest.webmanifest")
    assert answer["Content-Type"] == "application/manifest+json"
    manifest = json.loads(answer.content)
    assert {"name", "short_name", "description", "lang", "dir"} <= set(manifest)
    assert (manifest["id"], manifest["start_url"], manifest["scope"]) == ("/", "/", "/")
    assert [shortcut["url"] for shortcut in manifest["shortcuts"]] == ["/kwip/", "/notifications/"]
    found = {(icon["sizes"], icon["purpose"]) for icon in manifest["icons"]}
    assert found == {(f"{n}x{n}", purpose) for n in (192, 512) for purpose in ("any", "maskable")}


def test_icons_are_where_browsers_look_for_them_and_have_the_size_they_say(client: Client) -> None:
    icons = {"/favicon.ico": (48, 48), "/apple-touch-icon.png": (180, 180)}
    icons["/apple-touch-icon-precomposed.png"] = (180, 180)
    for path, size in icons.items():
        answer = client.get(path)
        assert answer.status_code == 200, path
        picture = Image.open(io.BytesIO(b"".join(answer)))
        assert picture.size == size
        assert "max-age" in answer["Cache-Control"]
        again = client.get(path, headers={"If-Modified-Since": answer["Last-Modified"]})
        assert (again.status_code, b"".join(again)) == (304, b"")
    for icon in json.loads(client.get("/manifest.webmanifest").content)["icons"]:
        file = finders.find(icon["src"].removeprefix("/static/"))
        assert file
        with Image.open(file) as picture:
            assert "x".join(map(str, picture.size)) == icon["sizes"]
            if icon["purpose"] == "maskable":
                # A maskable icon: opaque to its edges, for any mask of a phone.
                assert picture.mode == "RGB"
                ends = (0, picture.width - 1)
                assert {picture.getpixel((x, y)) for x in ends for y in ends} == {(187, 210, 108)}


def test_none_of_it_asks_the_database_or_the_session(client: Client, django_assert_num_queries) -> None:
    client.force_login(User.objects.create_user("ann", "ann@example.org"))
    with django_assert_num_queries(0):
        for path in (
            "/robots.txt", "/manifest.webmanifest", "/sw.js", "/.well-known/security.txt", "/favicon.ico",
            "/.well-known/change-password", "/.well-known/nothing",
        ):  # fmt: skip
            answer = client.get(path)
            assert answer.status_code in (200, 302, 404), path
            assert not answer.cookies
            assert len(b"".join(answer)) < 6_000


def test_the_first_segment_of_each_path_is_a_reserved_name() -> None:
    for word in ("robots.txt", "manifest.webmanifest", "sw.js", "offline", ".well-known", "sitemap.xml"):
        assert word in reserved_names()
