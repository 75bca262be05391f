"""Pictures of kwips: with the kwip or not at all, gone with it, and nothing typed is lost over one."""

import datetime
import io
import itertools
import re
import secrets
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models import F
from django.test import Client
from django.utils import timezone
from PIL import Image

from apps import limits
from apps.accounts.models import User
from apps.kwips import actions, attaching
from apps.kwips.models import Kwip
from apps.kwips.picture_models import KwipPicture
from apps.kwips.queries import cards, visible_kwip
from apps.pictures import actions as uploads
from apps.pictures import files
from apps.pictures.models import Picture
from apps.pictures.sweeping import sweep

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


def a_file(name: str = "tea.png", color: str = "#bbd26c") -> SimpleUploadedFile:
    stored = io.BytesIO()
    Image.new("RGB", (60, 40), color).save(stored, "PNG")
    return SimpleUploadedFile(name, stored.getvalue(), "image/png")


type Upload = Callable[..., str]


@pytest.fixture(autouse=True)
def _media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def upload(ann: User) -> Upload:
    """The name of a picture that waits, without its files."""

    def _upload(owner: User = ann) -> str:
        name = secrets.token_hex(16)
        until = timezone.now() + datetime.timedelta(days=1)
        Picture.objects.create(
            name=name, owner=owner, width=60, height=40, color="#bbd26c", bytes=1, waits_until=until
        )
        return name

    return _upload


@pytest.fixture
def member(client: Client, ann: User) -> Client:
    client.force_login(ann)
    return client


def with_pictures(author: User, names: list[str], **options: object) -> Kwip:
    return actions.publish(author=author, text="look", form_key=uuid.uuid4(), pictures=names, **options).kwip  # type: ignore[arg-type]


def names_of(kwip: Kwip) -> list[str]:
    [card] = cards([visible_kwip(kwip.pk, kwip.author_id).visible])  # type: ignore[union-attr]
    return [picture.name for picture in card.pictures]


def waiting() -> set[str]:
    return set(Picture.objects.filter(waits_until__isnull=False).values_list("name", flat=True))


def test_a_kwip_has_its_pictures_in_their_order_with_their_words(
    member: Client, ann: User, upload: Upload
) -> None:
    first, second = upload(), upload()
    form = {
        "text": "look",
        "pictures": [second, first],
        f"alt-{second}": "two <cups>",
        f"focal-{second}": "0 100",
        "is_sensitive": "on",
    }
    answer = member.post("/kwip/", form, follow=True)
    kwip = Kwip.objects.get()
    assert names_of(kwip) == [second, first]
    assert not waiting()
    assert Picture.objects.get(name=second).alt == "two <cups>"
    page = answer.content.decode()
    assert 'alt="two &lt;cups&gt;"' in page
    assert '<details class="veil">' in page
    listed = member.get("/ann/").content.decode()
    assert "u-photo fl fb" in listed


def test_the_same_form_again_is_the_same_kwip(member: Client, upload: Upload) -> None:
    form = {"text": "look", "pictures": upload(), "form_key": str(uuid.uuid4())}
    assert [member.post("/kwip/", form).status_code for _ in range(2)] == [302, 302]
    assert Kwip.objects.count() == KwipPicture.objects.count() == 1


def test_without_all_its_pictures_there_is_no_kwip_and_the_form_keeps_the_rest(
    member: Client, ann: User, bob: User, upload: Upload
) -> None:
    kept, gone, used = upload(), upload(), upload()
    Picture.objects.filter(name=gone).delete()
    with_pictures(ann, [used])
    for lost in (gone, used, upload(bob)):
        form = {"text": "my words", "pictures": [kept, lost], f"alt-{kept}": "hills"}
        answer = member.post("/kwip/", form)
        assert answer.status_code == 422
        page = answer.content.decode()
        assert "a picture is gone" in page
        assert "my words</textarea>" in page
        assert "hills</textarea>" in page
        assert kept in page
        assert lost not in page
    assert Kwip.objects.count() == 1
    assert kept in waiting()


def test_a_kwip_has_four_pictures_at_most(member: Client, upload: Upload) -> None:
    names = [upload() for _ in range(5)]
    answer = member.post("/kwip/", {"text": "look", "pictures": names})
    assert answer.status_code == 422
    assert "4 pictures at most" in answer.content.decode()
    assert not Kwip.objects.exists()
    answer = member.post("/kwip/pictures/", {"text": "look", "pictures": names[:4], "files": a_file()})
    assert answer.status_code == 422
    assert Picture.objects.count() == 5


def test_what_is_no_name_is_left_out(member: Client) -> None:
    names = ["../../etc", "x" * 32, "A" * 32, "", "\0"]
    assert member.post("/kwip/", {"text": "look", "pictures": names}).status_code == 302
    assert not KwipPicture.objects.exists()


@pytest.mark.parametrize("way", ["delete", "piece", "erase"])
def test_a_deleted_kwip_lets_go_of_its_pictures(ann: User, bob: User, upload: Upload, way: str) -> None:
    names = [upload(), upload()]
    kwip = with_pictures(ann, names)
    actions.comment(author=bob, thread=kwip, text="nice", form_key=uuid.uuid4())
    if way == "delete":
        actions.delete(kwip=kwip)
    elif way == "piece":
        actions.delete_piece(kwip_ids=[kwip.pk])
    else:
        while actions.delete_some_of(author_id=ann.pk):
            pass
    assert waiting() == set(names)
    assert not KwipPicture.objects.exists()
    assert not Picture.objects.filter(waits_until__gt=timezone.now()).exists()


def test_pictures_of_a_kwip_that_another_release_deleted_are_let_go(ann: User, upload: Upload) -> None:
    kept = with_pictures(ann, [upload()])
    name = upload()
    kwip = with_pictures(ann, [name])
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM kwips_kwip WHERE id = %s", [kwip.pk])
    assert attaching.release_left.call() == 1
    assert waiting() == {name}
    assert len(names_of(kept)) == 1
    assert attaching.release_left.call() == 0


def test_pictures_that_are_left_are_looked_for_in_parts(
    ann: User, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attaching, "BATCH", 1)
    kwips = [with_pictures(ann, [upload()]) for _ in range(4)]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM kwips_kwip WHERE id = ANY(%s)", [[kwip.pk for kwip in kwips[:3]]])
    first = KwipPicture.objects.order_by("pk")[0].pk
    monkeypatch.setattr("random.randrange", lambda _number: first)
    monkeypatch.setattr(attaching, "PARTS", 2)
    assert [attaching.release_left.call() for _ in range(2)] == [2, 0], "a run has a bound"
    monkeypatch.setattr("random.randrange", lambda number: number - 1)
    monkeypatch.setattr(attaching, "PARTS", 1_000_000)
    assert attaching.release_left.call() == 1, "around the end"


def test_taken_back_the_pictures_are_in_the_form_again(member: Client, ann: User, upload: Upload) -> None:
    name = upload()
    described = {name: attaching.Description("a cup", (0, 0))}
    kwip = with_pictures(ann, [name], described=described, is_sensitive=True)
    page = member.post(f"/kwip/{kwip.pk}/take-back/").content.decode()
    assert f'name="pictures" value="{name}"' in page
    assert "a cup</textarea>" in page
    assert 'id="id_is_sensitive" checked' in page
    tomorrow = timezone.now() + datetime.timedelta(hours=23)
    assert Picture.objects.filter(waits_until__gt=tomorrow).count() == 1
    assert member.post("/kwip/", {"text": "look", "pictures": name}).status_code == 302
    assert names_of(Kwip.objects.get()) == [name]


def test_an_edit_changes_words_order_and_pictures(member: Client, ann: User, upload: Upload) -> None:
    first, second, third = upload(), upload(), upload()
    kwip = with_pictures(ann, [first, second])
    page = member.get(f"/kwip/{kwip.pk}/edit/").content.decode()
    assert page.index(first) < page.index(second)
    form = {
        "text": "look",
        "with_pictures": "on",
        "pictures": [third, first],
        f"alt-{first}": "hills",
        "is_sensitive": "on",
    }
    assert member.post(f"/kwip/{kwip.pk}/edit/", form).status_code == 302
    assert names_of(kwip) == [third, first]
    assert waiting() == {second}
    kwip.refresh_from_db()
    assert kwip.is_sensitive
    assert kwip.edited_at
    assert Picture.objects.get(name=first).alt == "hills"
    assert kwip.revisions.count() == 1
    # A form that does not show them leaves them as they are.
    assert member.post(f"/kwip/{kwip.pk}/edit/", {"text": "look again"}).status_code == 302
    assert names_of(kwip) == [third, first]


def test_a_new_text_of_a_picture_is_on_the_card(member: Client, ann: User, upload: Upload) -> None:
    name = upload()
    kwip = with_pictures(ann, [name])
    assert "without a description" in member.get(f"/ann/kwip/{kwip.pk}/").content.decode()
    form = {"text": "look", "with_pictures": "on", "pictures": name, f"alt-{name}": "a kettle"}
    member.post(f"/kwip/{kwip.pk}/edit/", form)
    assert 'alt="a kettle"' in member.get(f"/ann/kwip/{kwip.pk}/").content.decode()


def test_comments_have_no_pictures(member: Client, ann: User, bob: User, upload: Upload) -> None:
    thread = actions.publish(author=bob, text="tea", form_key=uuid.uuid4()).kwip
    name = upload()
    member.post(f"/kwip/{thread.pk}/comment/", {"text": "milk", "pictures": name})
    said = Kwip.objects.get(thread=thread)
    form = {"text": "oat milk", "with_pictures": "on", "pictures": name}
    assert member.post(f"/kwip/{said.pk}/edit/", form).status_code == 302
    assert not KwipPicture.objects.exists()
    assert waiting() == {name}


def test_without_a_script_each_button_returns_the_form(member: Client, upload: Upload) -> None:
    first, second = upload(), upload()
    form = {
        "text": "half a thought",
        "followers_only": "on",
        "content_note": "hm",
        "pictures": [first, second],
        f"alt-{second}": "a kettle",
        "form_key": str(uuid.uuid4()),
    }
    for pressed, expected in (
        ({"later": first}, [second, first]),
        ({"earlier": second}, [second, first]),
        ({"earlier": first}, [first, second]),
        ({"remove": first}, [second]),
        ({"add": "on", "files": a_file()}, [first, second, "new"]),
    ):
        answer = member.post("/kwip/pictures/", form | pressed)
        assert answer.status_code == 200
        shown = answer.context["form"]
        new = waiting() - {first, second}
        assert shown.picture_names == [*new] if expected == ["new"] else True
        assert [name if name in (first, second) else "new" for name in shown.picture_names] == expected
        page = answer.content.decode()
        assert "half a thought</textarea>" in page
        assert "a kettle</textarea>" in page
        assert 'name="followers_only" id="id_followers_only" checked' in page
        assert str(form["form_key"]) in page
    assert not Kwip.objects.exists()


def test_what_is_no_picture_is_refused_with_its_name_and_the_others_are_kept(member: Client) -> None:
    broken = SimpleUploadedFile("broken.png", b"no picture", "image/png")
    form = {"text": "half a thought", "files": [broken, a_file()]}
    answer = member.post("/kwip/pictures/", form)
    assert answer.status_code == 422
    assert "broken.png" in answer.content.decode()
    assert "half a thought</textarea>" in answer.content.decode()
    assert len(answer.context["form"].picture_names) == 1
    assert member.post("/kwip/pictures/", {"text": "hm", "add": "on"}).status_code == 422


@pytest.mark.parametrize("pressed", ["", "preview"])
@pytest.mark.parametrize("is_edit", [False, True])
def test_files_that_a_form_without_a_script_has_not_sent_are_asked_for(
    member: Client, ann: User, is_edit: bool, pressed: str
) -> None:
    address = f"/kwip/{with_pictures(ann, []).pk}/edit/" if is_edit else "/kwip/"
    form = {"text": "half a thought", "files": "tea.png"}
    answer = member.post(address, form | ({pressed: "on"} if pressed else {}))
    assert answer.status_code == 422
    assert "the pictures are not here yet" in answer.content.decode()
    assert "half a thought</textarea>" in answer.content.decode()
    assert not Kwip.objects.filter(text="half a thought").exists()


def test_a_script_gets_the_fields_of_one_upload(member: Client) -> None:
    answer = member.post("/kwip/pictures/", {"files": a_file()}, headers=JSON)
    name = Picture.objects.get().name
    assert f'name="pictures" value="{name}"' in answer.json()["html"]
    broken = SimpleUploadedFile("broken.png", b"no picture", "image/png")
    assert member.post("/kwip/pictures/", {"files": broken}, headers=JSON).status_code == 422
    assert member.post("/kwip/pictures/", {}, headers=JSON).status_code == 422


def test_uploads_are_limited_before_they_are_decoded(member: Client, settings: Any) -> None:
    settings.LIMITS = settings.LIMITS | {"picture": "2/1h"}
    files = [a_file(), a_file(), a_file()]
    answer = member.post("/kwip/pictures/", {"text": "half a thought", "files": files})
    assert answer.status_code == 429
    assert "half a thought</textarea>" in answer.content.decode()
    assert len(answer.context["form"].picture_names) == Picture.objects.count() == 2
    assert member.post("/kwip/pictures/", {"files": a_file()}, headers=JSON).status_code == 429
    assert Picture.objects.count() == 2


def test_while_another_upload_is_read_the_form_comes_back_with_its_words(
    member: Client, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(**_: object) -> None:
        raise limits.Busy

    monkeypatch.setattr(uploads, "upload", busy)
    name = upload()
    form = {"text": "half a thought", "pictures": name, f"alt-{name}": "a kettle", "files": a_file()}
    answer = member.post("/kwip/pictures/", form)
    assert answer.status_code == 422
    page = answer.content.decode()
    for words in ("half a thought</textarea>", "a kettle</textarea>", "try again later"):
        assert words in page
    script = member.post("/kwip/pictures/", {"files": a_file()}, headers=JSON)
    assert script.status_code == 503, "it tries again by itself"


def test_signed_out_the_words_and_their_note_are_on_the_page(client: Client) -> None:
    form = {"text": "half a thought", "content_note": "a spoiler", "files": a_file()}
    page = client.post("/kwip/pictures/", form)
    assert page.status_code == 403
    assert "a spoiler\n\nhalf a thought</textarea>" in page.content.decode()


def test_after_signing_in_there_is_a_composer(member: Client) -> None:
    assert member.get("/kwip/pictures/")["Location"] == "/kwip/"


def test_a_reminder_asks_once_for_the_words_of_a_picture(member: Client, ann: User, upload: Upload) -> None:
    name = upload()
    form = {"text": "look", "pictures": name}
    User.objects.filter(pk=ann.pk).update(reminds_alt=True)
    answer = member.post("/kwip/", form)
    assert answer.status_code == 422
    assert "has no words yet" in answer.content.decode()
    assert 'name="alt_asked"' in answer.content.decode()
    assert member.post("/kwip/", form | {f"alt-{name}": "a cup"}).status_code == 302
    other = upload()
    form = {"text": "look", "pictures": other, "alt_asked": "on"}
    assert member.post("/kwip/", form).status_code == 302
    assert Kwip.objects.count() == 2


def test_other_sites_and_feeds_show_a_picture_unless_it_is_folded(
    client: Client, ann: User, upload: Upload
) -> None:
    name = upload()
    described = {name: attaching.Description("a <cup>")}
    kwip = with_pictures(ann, [name], described=described)
    page = client.get(f"/ann/kwip/{kwip.pk}/").content.decode()
    assert re.search(rf'property="og:image" content="https?://[^"]+{name}\.full\.webp"', page)
    assert 'property="og:image:alt" content="a &lt;cup&gt;"' in page
    feed = client.get("/ann/feed.atom").content.decode()
    assert f"{name}.full.webp" in feed
    assert "&lt;img src" in feed
    Kwip.objects.update(is_sensitive=True, version=F("version") + 1)
    assert f"{name}.full.webp" not in client.get(f"/ann/kwip/{kwip.pk}/").content.decode().split("<body")[0]
    assert "&lt;img src" not in client.get("/ann/feed.atom").content.decode()


class Killed(Exception):
    pass


@pytest.mark.django_db(transaction=True)
def test_a_kill_at_any_point_leaves_a_kwip_with_all_its_pictures_or_none_of_either(
    ann: User, upload: Upload, settings: Any
) -> None:
    """A killed process is a closed connection to PostgreSQL. It is closed after each statement in turn."""
    variants = dict.fromkeys(("thumb", "list", "full"), b"a picture")
    media = Path(settings.MEDIA_ROOT)

    def kill_after(point: int) -> Callable[..., Any]:
        run = itertools.count(1)

        def wrapper(execute: Callable[..., Any], *arguments: Any) -> Any:
            result = execute(*arguments)
            if next(run) == point:
                connection.connection.close()
                raise Killed
            return result

        return wrapper

    for point in itertools.count(1):
        names = [upload() for _ in range(4)]
        for name in names:
            files.write(name, variants)
        try:
            with connection.execute_wrapper(kill_after(point)):
                kwip = with_pictures(ann, names)
            break
        except Killed:
            connection.close()
        assert not Kwip.objects.exists()
        assert not KwipPicture.objects.exists()
        assert waiting() == set(Picture.objects.values_list("name", flat=True)) >= set(names)
    assert point > 3, "it was killed in the middle"
    assert names_of(kwip) == names
    Picture.objects.filter(waits_until__isnull=False).update(waits_until=timezone.now())
    sweep()
    assert {path.name.partition(".")[0] for path in media.rglob("*.webp")} == set(names)
    actions.delete(kwip=kwip)
    sweep()
    assert not list(media.rglob("*.webp"))
    assert not Picture.objects.exists()
