"""Images for link previews, which other sites show beside a link to a kwip or a person.

The first request enqueues the drawing and waits for it briefly; after that it gets the site's default image.
The file name is a digest of the content, so a new name or text has a new file. A sweep deletes files after
two days; the next request draws them again.
"""

import datetime
import json
import threading
import time
from dataclasses import astuple, dataclass, fields
from hashlib import blake2b
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.tasks import task
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.views.decorators.http import require_safe

from apps import limits
from apps.accounts import avatars, faces
from apps.accounts.models import User
from apps.accounts.queries import person as find_person
from apps.kwips.queries import Card, cards, visible_kwip
from apps.kwips.text import excerpt

FOLDER = "previews"
KEPT = datetime.timedelta(days=2)
MOST = 2_000  # files after a sweep: 150 MB, at 40 to 90 kB each
WAITS = (0.2, 0.2, 0.2, 0.3, 0.3, 0.3)  # seconds; one request of a process at a time waits
_one_waits = threading.BoundedSemaphore(1)
pause = time.sleep
LOOK = "2"  # to change with preview_image.py: it is part of the version of an image
_END = b"\xff\xd9"  # of a JPEG; a file without it is being written


@dataclass(frozen=True, slots=True)
class Subject:
    """What is drawn: an upload (``avatar``) or a face, by its code. ``words`` and ``avatar`` may be ""."""

    site: str
    username: str
    name: str
    words: str
    avatar: str
    face: str


def of_kwip(card: Card) -> Subject:
    return _subject(card.username, card.name, card.avatar, card.preview)


def of_person(who: User) -> Subject:
    return _subject(who.username, who.name, who.avatar, excerpt(who.bio, words=300, characters=280))


def _subject(username: str, name: str, avatar: str, words: str) -> Subject:
    upload = avatar if faces.is_upload(avatar) else ""
    return Subject(settings.SITE_NAME, username, name, words, upload, faces.face(username, avatar).code)


def kwip_path(card: Card) -> str:
    """The path of a kwip's image; "" if not everyone may see the kwip."""
    return "" if card.followers_only or card.withheld else f"{card.url}preview-{version(of_kwip(card))}.jpg"


def person_path(who: User) -> str:
    return f"{who.get_absolute_url()}preview-{version(of_person(who))}.jpg"


def version(subject: Subject) -> str:
    """A digest of the content and the design."""
    return blake2b(json.dumps([LOOK, *astuple(subject)]).encode(), digest_size=8).hexdigest()


@require_safe
def kwip(request: HttpRequest, username: str, kwip_id: int, requested: str) -> HttpResponse:
    """The image of a kwip that everyone may see; comments have none."""
    found = visible_kwip(kwip_id, None)
    if found is None or found.thread_id or found.author.username != username:
        raise Http404
    if not (shown := cards([found.visible])):
        raise Http404  # deleted meanwhile
    return _answer(of_kwip(shown[0]), kwip_path(shown[0]), requested)


@require_safe
def person(request: HttpRequest, username: str, requested: str) -> HttpResponse:
    who = find_person(username)
    return _answer(of_person(who), person_path(who), requested)


def _answer(subject: Subject, path: str, requested: str) -> HttpResponse:
    """The image, or the site's default image. Another version redirects to the current one."""
    if requested != version(subject):
        return HttpResponseRedirect(path)
    image = _read(_name(subject))
    if image is None and _enqueue(subject):
        image = _wait_for(_name(subject))
    response = HttpResponse(image or _site_picture(), content_type="image/jpeg" if image else "image/png")
    response["Cache-Control"] = f"public, max-age={3600 if image else 30}"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"  # it is for pages of others
    return response


def _enqueue(subject: Subject) -> bool:
    """Enqueues the drawing, unless the limit of this image or of all images refuses it."""
    of_this = limits.hit("preview", version(subject))
    if not of_this:
        return False
    if not limits.hit("previews"):
        of_this.refund()
        return False
    draw.enqueue(list(astuple(subject)))
    return True


def _wait_for(name: str) -> bytes | None:
    """The image, if the worker draws it in time: other sites cache the first response for days."""
    if not _one_waits.acquire(blocking=False):
        return None
    try:
        connection.close()  # check in the connection before sleeping
        for seconds in WAITS:
            pause(seconds)
            if (image := _read(name)) is not None:
                return image
        return None
    finally:
        _one_waits.release()


@task(queue_name="bulk")
def draw(values: list[str]) -> None:
    """Draws and stores an image (see `Subject`), unless it is stored."""
    if len(values) != len(fields(Subject)):
        return  # enqueued by the release before, whose images are not requested any more
    from apps.feeds import preview_image  # late: it loads Pillow

    subject = Subject(*values)
    if _read(_name(subject)) is not None:
        return
    default_storage.delete(_name(subject))  # a partial file
    picture = avatars.read(subject.avatar) if subject.avatar else None
    default_storage.save(_name(subject), ContentFile(preview_image.draw(subject, picture)))


def sweep() -> int:
    """Deletes expired images, and the oldest beyond `MOST`; returns how many."""
    if not default_storage.exists(FOLDER):
        return 0
    dated = [
        (default_storage.get_modified_time(path), path)
        for name in default_storage.listdir(FOLDER)[1]
        if default_storage.exists(path := f"{FOLDER}/{name}")
    ]
    newest = sorted(dated, reverse=True)
    stale = [path for at, path in newest[:MOST] if timezone.now() - at > KEPT]
    doomed = stale + [path for _at, path in newest[MOST:]]
    for path in doomed:
        default_storage.delete(path)
    return len(doomed)


def remove_of(username: str) -> int:
    """Deletes the images of a person and of their kwips; returns how many."""
    names = default_storage.listdir(FOLDER)[1] if default_storage.exists(FOLDER) else []
    doomed = [name for name in names if name.startswith(_secret(username)[:16])]
    for name in doomed:
        default_storage.delete(f"{FOLDER}/{name}")
    return len(doomed)


def _name(subject: Subject) -> str:
    """Not derivable from the address: a kwip that is no longer for everyone cannot be fetched as a file."""
    return f"{FOLDER}/{_secret(subject.username)[:16]}{_secret(version(subject))[:32]}.jpg"


def _secret(text: str) -> str:
    return salted_hmac("apps.feeds.previews", text, algorithm="sha256").hexdigest()


def _read(name: str) -> bytes | None:
    """The file, if it is complete."""
    try:
        with default_storage.open(name) as file:
            found: bytes = file.read()
    except OSError:
        return None
    return found if found.endswith(_END) else None


def _site_picture() -> bytes:
    return (Path(settings.BASE_DIR) / "static" / "icons" / "preview.png").read_bytes()
