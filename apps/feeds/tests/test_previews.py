"""Images for link previews: drawn by the worker on request, bounded, only of public kwips."""

import io
import os
import re
import time
from collections.abc import Callable
from html import unescape
from itertools import pairwise

import pytest
from django.conf import LazySettings, settings
from django.contrib.staticfiles import finders
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from PIL import Image, ImageChops, ImageStat

from apps.accounts.actions import change_picture, change_profile, choose_face
from apps.accounts.faces import PARTS
from apps.accounts.models import User
from apps.commandqueue.core.worker import Worker
from apps.commandqueue.models import Command
from apps.feeds import preview_image, previews
from apps.feeds.previews import Subject
from apps.kwips import actions
from apps.kwips.models import Kwip
from apps.kwips.visibility import Visible
from tests.support.pictures import waiting

pytestmark = pytest.mark.django_db(transaction=True)
SITE = "http://localhost:8000"

type Write = Callable[..., Kwip]


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "pause", lambda seconds: None)
    if default_storage.exists(previews.FOLDER):
        for name in default_storage.listdir(previews.FOLDER)[1]:
            default_storage.delete(f"{previews.FOLDER}/{name}")


def meta(client: Client, path: str) -> dict[str, str]:
    page = client.get(path).content.decode()
    found = re.findall(r'<meta\s+(?:property|name)="([\w:]+)"\s+content="([^"]*)"', page)
    assert len(found) == len(dict(found)), "each of them once"
    return {name: unescape(value) for name, value in found}


def image_path(client: Client, path: str) -> str:
    return meta(client, path)["og:image"].removeprefix(SITE)


def drawn(client: Client, path: str) -> Image.Image:
    """The image that a page names, after the worker ran."""
    address = image_path(client, path)
    client.get(address)
    Worker(once=True).run()
    answer = client.get(address)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
    return Image.open(io.BytesIO(answer.content))


def differ(one: Image.Image, other: Image.Image) -> bool:
    return max(ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).sum) > 50_000


def test_every_public_page_that_is_shared_has_a_preview(client: Client, ann: User, publish: Write) -> None:
    kwip = publish(ann, "word #tea " * 60)
    for path in ("/", "/everyone/", "/ann/", f"/ann/kwip/{kwip.pk}/", "/tag/tea/"):
        found = meta(client, path)
        assert found["og:url"] == SITE + path
        assert found["twitter:card"] == "summary_large_image"
        assert found["og:title"].strip(), path
        assert found["og:description"].strip(), path
        address = found["og:image"].removeprefix(SITE)
        static = address.removeprefix("/static/")
        file = finders.find(static) if static != address else None
        with Image.open(file or io.BytesIO(client.get(address).content)) as image:
            assert (image.size, image.format) == ((1200, 630), "PNG")
    found = meta(client, f"/ann/kwip/{kwip.pk}/")
    assert 200 <= len(found["og:description"]) <= 300
    assert found["article:author"] == f"{SITE}/ann/"
    kwip.refresh_from_db()
    assert found["article:published_time"] == kwip.created_at.isoformat()


@pytest.mark.parametrize("words", ["a " * 300, "word " * 100, "x" * 5000, "日本語" * 200, "short"])
def test_a_description_is_as_long_as_sites_show(
    client: Client, ann: User, publish: Write, words: str
) -> None:
    said = meta(client, f"/ann/kwip/{publish(ann, words).pk}/")["og:description"]
    assert min(200, len(words.strip())) <= len(said) <= 281
    assert said.endswith("…") == (len(words.strip()) > 281)


def test_the_first_who_asks_gets_the_sites_picture_and_the_next_the_one_that_was_drawn(
    client: Client, ann: User, publish: Write
) -> None:
    kwip = publish(ann, "a cup of tea")
    for path in (f"/ann/kwip/{kwip.pk}/", "/ann/"):
        address = image_path(client, path)
        first = client.get(address)
        assert (first["Content-Type"], first["Cache-Control"]) == ("image/png", "public, max-age=30")
        Worker(once=True).run()
        then = client.get(address)
        assert (then["Content-Type"], then["Cache-Control"]) == ("image/jpeg", "public, max-age=3600")
        assert Image.open(io.BytesIO(then.content)).size == preview_image.SIZE
        # Members get the same.
        client.force_login(ann)
        assert client.get(address).content == then.content
        client.logout()


def test_who_asks_first_waits_a_moment_for_the_worker_and_holds_nothing_meanwhile(
    client: Client, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[bool] = []

    def work(seconds: float) -> None:
        waited.append(connection.connection is None)
        if len(waited) == 2:
            # A concurrent request does not wait.
            assert client.get(image_path(client, "/bob/"))["Content-Type"] == "image/png"
            Worker(once=True).run()

    User.objects.create_user("bob", "bob@example.org")
    address = image_path(client, "/ann/")
    monkeypatch.setattr(previews, "pause", work)
    assert client.get(address)["Content-Type"] == "image/jpeg"
    assert len(waited) == 2
    assert waited[0]
    # The next first request waits again.
    User.objects.create_user("cee", "cee@example.org")
    assert client.get(image_path(client, "/cee/"))["Content-Type"] == "image/png"
    assert len(waited) == 2 + len(previews.WAITS)


def test_a_picture_is_asked_of_the_worker_once_and_of_all_only_so_many(
    client: Client, ann: User, publish: Write, settings: LazySettings
) -> None:
    settings.LIMITS = settings.LIMITS | {"previews": "3/1h"}
    kwips = [publish(ann, f"kwip {n}") for n in range(5)]
    addresses = [image_path(client, f"/ann/kwip/{kwip.pk}/") for kwip in kwips]
    assert Command.objects.count() == 0, "no image is drawn without a request"
    for _ in range(4):
        for address in addresses:
            assert client.get(address).status_code == 200
    assert Command.objects.count() == 3
    settings.LIMITS = settings.LIMITS | {"previews": None}
    client.get(addresses[-1])
    assert Command.objects.count() == 4, "who was refused may ask again"


def test_made_up_versions_make_nothing(client: Client, ann: User, publish: Write) -> None:
    kwip = publish(ann)
    page = f"/ann/kwip/{kwip.pk}/"
    for made_up in ("0", "f" * 16, "x" * 200):
        for address, real in (
            (f"{page}preview-{made_up}.jpg", image_path(client, page)),
            (f"/ann/preview-{made_up}.jpg", image_path(client, "/ann/")),
        ):
            answer = client.get(address)
            assert (answer.status_code, answer["Location"]) == (302, real)
    assert Command.objects.count() == 0


def test_only_what_everyone_may_see_has_one(
    client: Client, ann: User, publish: Write, comment: Write
) -> None:
    hidden = publish(ann, "between us", followers_only=True)
    client.force_login(ann)
    assert "og:image" not in meta(client, f"/ann/kwip/{hidden.pk}/")
    version = previews.version(previews.of_kwip(previews.cards([Visible(hidden.pk)])[0]))
    kwip = publish(ann)
    said = comment(ann, kwip)
    address = image_path(client, f"/ann/kwip/{kwip.pk}/")
    drawn(client, f"/ann/kwip/{kwip.pk}/")
    actions.delete(kwip=kwip)
    for gone in (
        f"/ann/kwip/{hidden.pk}/preview-{version}.jpg",
        f"/ann/kwip/{said.pk}/preview-{version}.jpg",
        f"/bob/kwip/{kwip.pk}/preview-{version}.jpg",
        "/nobody/preview-x.jpg",
        address,
    ):
        assert client.get(gone).status_code == 404, gone


def test_what_is_drawn_changes_with_words_name_and_picture_and_with_nothing_else(
    client: Client, ann: User, bob: User, publish: Write
) -> None:
    kwip = publish(ann, "a cup of tea")
    page = f"/ann/kwip/{kwip.pk}/"
    seen = [image_path(client, page)]
    actions.favourite(kwip=kwip, user=bob)
    actions.comment(author=bob, thread=kwip, text="hm", form_key=kwip.form_key)
    assert image_path(client, page) == seen[0]
    own = io.BytesIO()
    Image.new("RGB", (400, 400), "red").save(own, "WEBP")
    changes: list[Callable[[], object]] = [
        lambda: actions.edit(kwip=kwip, text="a cup of milk"),
        lambda: actions.edit(kwip=kwip, text="a cup of milk :P"),
        lambda: choose_face(user=ann, code="a1120"),
        lambda: change_profile(user=ann, display_name="Ann O'Tea", bio=""),
        lambda: change_picture(user=ann, picture=waiting(ann, content=own.getvalue())),
    ]
    pictures = [drawn(client, page)]
    for change in changes:
        change()
        seen.append(image_path(client, page))
        pictures.append(drawn(client, page))
    assert len(set(seen)) == 6
    of_ann = image_path(client, "/ann/")
    change_profile(user=ann, display_name="Ann O'Tea", bio="kettles, mostly")
    assert image_path(client, "/ann/") != of_ann
    assert all(differ(one, other) for one, other in pairwise(pictures))
    where_the_face_was = pictures[-1].convert("RGB").crop((186, 174, 206, 194))
    red, green, blue = ImageStat.Stat(where_the_face_was).mean
    assert red > 200 > 60 > max(green, blue)


def subject(words: str = "", name: str = "Ann O'Tea") -> Subject:
    return Subject("kwippy", "ann", name, words, "", "a1120")


@pytest.mark.parametrize(
    ("text", "is_shown"),
    [
        ("a cup of tea", "a cup of tea"),
        ("“žluťoučký” – Ελληνικά, привет…", "“žluťoučký” – Ελληνικά, привет…"),
        ("tea 🫖🍵 time", "tea time"),
        ("two\n lines\tand\x00 \u202emore", "two lines and more"),
        # Scripts that the font cannot shape are not drawn.
        ("你好 hello", ""),
        ("שלום", ""),
        ("مرحبا", ""),
        ("चाय", ""),
        ("🫖", ""),
        ("", ""),
    ],
)
def test_words_are_shown_as_they_were_written_or_not_at_all(text: str, is_shown: str) -> None:
    assert preview_image.shown(text) == is_shown
    with_words, without = (Image.open(io.BytesIO(preview_image.draw(subject(t), None))) for t in (text, ""))
    assert differ(with_words, without) == bool(is_shown)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 100_000,
        "w " * 50_000,
        "\u0301" * 100_000,
        "🫖" * 100_000,
        "Ж" * 100_000,
        "i" * 280,
        "\n" * 100_000,
    ],
)
def test_a_picture_costs_little_and_is_small_whatever_was_written(text: str) -> None:
    made = preview_image.draw(subject(text, name=text), None)
    beginning = text[: preview_image.LETTERS]
    assert made == preview_image.draw(subject(beginning, name=beginning), None), "no more of it is looked at"
    assert len(made) < 300_000
    image = Image.open(io.BytesIO(made)).convert("RGB")
    edge = image.crop((0, 596, 1200, 630))
    assert ImageStat.Stat(edge).extrema[0][0] > 220, "nothing runs over the edge"


def test_each_part_of_a_face_is_the_one_of_the_site(open_page: Callable) -> None:
    """The masks beside the code, against the symbols in the template."""
    icons = (settings.BASE_DIR / "templates" / "_icons.html").read_text()
    with Image.open(preview_image._ART / "faces.png") as faces:
        assert faces.size == (len(PARTS) * 240, 240)
        page = open_page()
        for number, part in enumerate(PARTS):
            page.set_content(
                f'<body style="margin:0">{icons}<svg width="240" height="240" viewBox="0 0 40 40" fill="none"'
                ' stroke="#000" stroke-width="3.1" stroke-linecap="round" stroke-linejoin="round"'
                f' style="position:absolute;left:0;top:0"><use href="#{part}" /></svg>'
            )
            shot = Image.open(io.BytesIO(page.screenshot(clip={"x": 0, "y": 0, "width": 240, "height": 240})))
            mask = ImageChops.invert(faces.crop((number * 240, 0, number * 240 + 240, 240)))
            assert ImageStat.Stat(ImageChops.difference(shot.convert("L"), mask)).mean[0] < 0.5, part


def test_a_file_that_is_half_written_is_none(client: Client, ann: User, publish: Write) -> None:
    kwip = publish(ann)
    page = f"/ann/kwip/{kwip.pk}/"
    name = previews._name(previews.of_kwip(previews.cards([Visible(kwip.pk)])[0]))
    default_storage.save(name, ContentFile(b"\xff\xd8half"))
    assert client.get(image_path(client, page))["Content-Type"] == "image/png"
    assert drawn(client, page).size == preview_image.SIZE


def test_old_pictures_and_the_oldest_of_too_many_are_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert previews.sweep() == 0
    names = [f"{previews.FOLDER}/{n}.jpg" for n in range(5)]
    for name in names:
        default_storage.save(name, ContentFile(b"x"))
    for age, name in enumerate(names):
        at = time.time() - age * 86_400 - 60
        os.utime(default_storage.path(name), (at, at))
    assert previews.sweep() == 3
    assert [default_storage.exists(name) for name in names] == [True, True, False, False, False]
    monkeypatch.setattr(previews, "MOST", 1)
    assert previews.sweep() == 1
    assert [default_storage.exists(name) for name in names] == [True] + [False] * 4
