"""Drawn faces on the pages: their colours and parts, chosen ones, and the smiley of a kwip."""

import re
import uuid

import pytest
from django.conf import LazySettings, settings
from django.test import Client

from apps.accounts import actions, faces
from apps.accounts.models import User
from apps.accounts.templatetags.people import avatar
from apps.feeds.preview_image import COLOURS, srgb
from apps.kwips import actions as kwips
from tests.support.fixtures import ann
from tests.support.people import member

__all__ = ["ann"]
CSS = (settings.BASE_DIR / "static" / "css" / "parts" / "people.css").read_text()
ICONS = (settings.BASE_DIR / "templates" / "_icons.html").read_text()
IN_WORDS = "peach, a wink, straight, to the right, nothing"
CHOSEN = {"colour": "10", "eyes": "1", "mouth": "10", "tilt": "2", "extra": "0"}


@pytest.mark.parametrize("tone", [0, 1])
@pytest.mark.parametrize("hue", faces.HUES)
def test_a_drawing_stands_out_from_its_ground(hue: int, tone: int) -> None:
    (ground, ink) = (srgb(*colour, hue) for colour in COLOURS[tone])
    assert (_luminance(ground) + 0.05) / (_luminance(ink) + 0.05) >= 4.5


def _luminance(colour: tuple[int, int, int]) -> float:
    linear = [c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return sum(channel * weight for channel, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def test_the_style_sheet_and_the_page_have_what_the_code_names() -> None:
    assert [int(hue) for hue in re.findall(r"\.hue-\d+ { --hue: (\d+); }", CSS)] == list(faces.HUES)
    assert [int(turn) for turn in re.findall(r"\.tilt-\d { --tilt: (-?\d+)deg; }", CSS)] == list(
        faces.DEGREES[1:]
    )
    colours = re.findall(r"oklch\(([\d.]+) ([\d.]+) var\(--hue\)\)", CSS)
    assert [(float(light), float(chroma)) for light, chroma in colours] == [*COLOURS[0], *COLOURS[1]]
    assert re.findall(r'<\w+ id="([emx]\w)"', ICONS) == list(faces.PARTS)
    script = (settings.BASE_DIR / "static" / "mentions.js").read_text()
    typed = faces.TYPED.replace("\\", "\\\\")
    for needed in (f"/{faces.SMILEY}/g", f'"{faces.TYPED_EYES}"', f'"{typed}"', f'"{faces.DRAWN}"'):
        assert needed in script


def test_a_chosen_face_is_shown_in_frame_cards_and_lists_until_it_is_given_back(
    client: Client, ann: User
) -> None:
    kwip = kwips.publish(author=ann, text="tea", form_key=uuid.uuid4()).kwip
    member("bob")
    client.force_login(ann)
    form = client.get("/settings/face/").content.decode()
    assert form.count('type="radio"') == sum(map(len, faces.CHOICES.values()))
    assert form.count(" checked") == 5
    assert client.post("/settings/face/", CHOSEN).status_code == 302
    ann.refresh_from_db()
    assert (ann.face, ann.avatar, faces.in_words(ann.face)) == ("a1a20", "a1a20", IN_WORDS)
    own = str(avatar("ann", "a1a20", "m"))
    for path in ("/everyone/", f"/ann/kwip/{kwip.pk}/", "/ann/"):
        page = client.get(path).content.decode()
        assert own in page, path
        assert page.count('class="avatar') == page.count(" hue-10 tilt-2"), "the frame has it, too"
    assert client.get("/everyone/").content.decode().count("u-photo") == 0
    kwips.edit(kwip=kwip, text="tea :D")
    assert str(avatar("ann", "a1120", "m")) in client.get("/everyone/").content.decode()
    assert client.post("/settings/face/", {"derived": "1"}).status_code == 302
    ann.refresh_from_db()
    assert ann.face == ""
    assert own not in client.get("/ann/").content.decode()
    assert str(avatar("ann", "", "m")) in client.get("/settings/face/").content.decode()


@pytest.mark.parametrize(
    "typed",
    [{}, {"derive": "1"}, CHOSEN | {"mouth": "11"}, CHOSEN | {"tilt": "-1"}, CHOSEN | {"eyes": "x" * 9_000}],
)
def test_a_face_that_there_is_not_is_refused_and_the_choices_are_kept(
    client: Client, ann: User, typed: dict[str, str]
) -> None:
    client.force_login(ann)
    refused = client.post("/settings/face/", typed or {"none": ""})
    assert refused.status_code == 422
    page = refused.content.decode()
    assert "one of these" in page or "none of these" in page
    if "colour" in typed:
        assert re.search(r'name="colour" value="10"[^>]* checked', page)
    ann.refresh_from_db()
    assert ann.face == ""


@pytest.mark.django_db
def test_faces_are_changed_within_the_limit_of_the_profile(
    client: Client, ann: User, settings: LazySettings
) -> None:
    settings.LIMITS = settings.LIMITS | {"profile": "1/1h"}
    client.force_login(ann)
    statuses = [
        client.post("/settings/face/", typed).status_code for typed in (CHOSEN, CHOSEN, {"derived": "1"})
    ]
    assert statuses == [302, 429, 429]
    ann.refresh_from_db()
    assert ann.face == "a1a20"


@pytest.mark.django_db
def test_an_upload_hides_the_chosen_face_and_gives_it_back(client: Client, ann: User) -> None:
    actions.choose_face(user=ann, code="a1a20")
    User.objects.filter(pk=ann.pk).update(picture="0f.webp")
    ann.refresh_from_db()
    assert (ann.avatar, ann.me.avatar) == ("0f.webp", "0f.webp")
    actions.change_picture(user=ann, picture=None)
    ann.refresh_from_db()
    assert (ann.avatar, ann.me.avatar) == ("a1a20", "a1a20")
