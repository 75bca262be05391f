"""Pictures for link previews: what a site that a kwip or a person is shared on shows beside the link.

None is made before it is asked for. Then the worker draws; who asked first waits for it a moment, and gets
the site's own picture if that was not enough. A file is named by what is on it, so that a change of a name or
of the words is another file, and a favourite is not. Files are swept after two days, and drawn again at the
next request.
"""

import datetime
import json
import threading
import time
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
from apps.accounts import avatars
from apps.accounts.models import User
from apps.accounts.queries import person as find_person
from apps.accounts.templatetags.people import hue
from apps.feeds import drawing
from apps.feeds.drawing import Subject
from apps.kwips.queries import Card, cards, visible_kwip
from apps.kwips.text import excerpt

FOLDER = "previews"
KEPT = datetime.timedelta(days=2)
# So many at most, but for those that are drawn before the next sweep: 150 MB, at 40 to 90 kB each.
MOST = 2_000
# So long one request of a process at a time waits for the worker.
WAITS = (0.2, 0.2, 0.2, 0.3, 0.3, 0.3)
_one_waits = threading.BoundedSemaphore(1)
pause = time.sleep
# Every JPEG ends so: one without is still being written.
_END = b"\xff\xd9"


def of_kwip(card: Card) -> Subject:
    return _subject(card.username, card.name, card.avatar, card.preview)


def of_person(who: User) -> Subject:
    return _subject(who.username, who.name, who.avatar, excerpt(who.bio, words=300, characters=280))


def _subject(username: str, name: str, avatar: str, words: str) -> Subject:
    return Subject(settings.SITE_NAME, username, name, words, avatar, hue(username), hue(username[::-1]))


def kwip_path(card: Card) -> str:
    """Where the picture of a kwip is; "" for one that not everyone may see, which has none."""
    return "" if card.followers_only else f"{card.url}preview-{version(of_kwip(card))}.jpg"


def person_path(who: User) -> str:
    """Where the picture of a person is."""
    return f"{who.get_absolute_url()}preview-{version(of_person(who))}.jpg"


def version(subject: Subject) -> str:
    """Changes with what is drawn, and with how."""
    return blake2b(json.dumps([drawing.LOOK, *_fields(subject)]).encode(), digest_size=8).hexdigest()


def _fields(subject: Subject) -> list[str | int]:
    return [getattr(subject, name) for name in Subject.__slots__]


@require_safe
def kwip(request: HttpRequest, username: str, kwip_id: int, asked: str) -> HttpResponse:
    """A kwip that everyone may see; no others have one, and no comments."""
    found = visible_kwip(kwip_id, None)
    if found is None or found.thread_id or found.author.username != username:
        raise Http404
    if not (shown := cards([found.visible])):
        raise Http404  # deleted at this moment
    return _answer(of_kwip(shown[0]), kwip_path(shown[0]), asked)


@require_safe
def person(request: HttpRequest, username: str, asked: str) -> HttpResponse:
    who = find_person(username)
    return _answer(of_person(who), person_path(who), asked)


def _answer(subject: Subject, path: str, asked: str) -> HttpResponse:
    """The picture, or the site's own while there is none yet. Made-up versions lead to the one there is."""
    if asked != version(subject):
        return HttpResponseRedirect(path)
    made = _read(_name(subject))
    if made is None and _ask_for(subject):
        made = _made_soon(_name(subject))
    response = HttpResponse(made or _site_picture(), content_type="image/jpeg" if made else "image/png")
    response["Cache-Control"] = f"public, max-age={3600 if made else 30}"
    return response


def _ask_for(subject: Subject) -> bool:
    """Has the worker draw it, if it may: once in a while each, and so many a minute of all."""
    of_this = limits.hit("preview", version(subject))
    if not of_this:
        return False
    if not limits.hit("previews"):
        of_this.refund()
        return False
    draw.enqueue(_fields(subject))
    return True


def _made_soon(name: str) -> bytes | None:
    """The picture, if the worker has it within a moment: sites keep what they were given first for days."""
    if not _one_waits.acquire(blocking=False):
        return None
    try:
        connection.close()  # back to the pool while this request sleeps
        for seconds in WAITS:
            pause(seconds)
            if (made := _read(name)) is not None:
                return made
        return None
    finally:
        _one_waits.release()


@task(queue_name="bulk")
def draw(fields: list[str | int]) -> None:
    """Draws a preview (see `Subject`) and keeps it, unless it is there."""
    subject = Subject(*fields)  # type: ignore[arg-type]
    if _read(_name(subject)) is not None:
        return
    # What is left of one that was not finished.
    default_storage.delete(_name(subject))
    picture = avatars.read(subject.avatar) if subject.avatar else None
    default_storage.save(_name(subject), ContentFile(drawing.draw(subject, picture)))


def sweep() -> int:
    """Deletes pictures that are two days old, and the oldest of too many; returns how many."""
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


def _name(subject: Subject) -> str:
    """Not to be guessed from its address: what is no longer for everyone can't be fetched past the site."""
    digest = salted_hmac("apps.feeds.previews", version(subject), algorithm="sha256").hexdigest()
    return f"{FOLDER}/{digest[:32]}.jpg"


def _read(name: str) -> bytes | None:
    """The file, if it is there and whole."""
    try:
        with default_storage.open(name) as file:
            found: bytes = file.read()
    except OSError:
        return None
    return found if found.endswith(_END) else None


def _site_picture() -> bytes:
    return (Path(settings.BASE_DIR) / "static" / "icons" / "preview.png").read_bytes()
