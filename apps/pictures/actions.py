"""Writes pictures: an upload waits for its use; `sweeping` deletes unused pictures.

The row is committed before its files are written, and deleted after them: a crash leaves a row that waits,
never a file without a row.
"""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from apps import limits
from apps.pictures import decoding, files, sweeping
from apps.pictures.decoding import Upload
from apps.pictures.models import ALT_LIMIT, Picture, Shape

log = structlog.get_logger("kwippy.pictures")

WAIT = timedelta(days=1)
# A picture whose upload did not end waits so long: longer than any request.
UNSTORED_WAIT = timedelta(hours=1)
WAITING_LIMIT = 40  # pictures of an owner that nothing uses yet
KEPT_LIMIT = 400  # those that wait longer than any upload, because a draft keeps them


class Refused(Exception):
    """Why the picture is not taken, for its owner. ``decision``: which rate limit refused it, if one did."""

    def __init__(self, message: str, decision: limits.Decision | None = None) -> None:
        super().__init__(message)
        self.message, self.decision = message, decision


def upload(
    *,
    owner: Any,
    file: Upload,
    until: datetime | None = None,
    shape: Shape = Shape.WHOLE,
    keeps_moving: bool = True,
) -> Picture:
    """Decodes and stores a picture, which waits ``until`` then (a day) for its use.

    Not inside a transaction. Raises `Refused` and `limits.Busy`.
    """
    hits = _check_limits(owner.pk, file)
    try:
        decoded = _decoded(file, shape, keeps_moving)
    except limits.Busy:
        for counted in hits:  # it may be sent again at once, and often
            counted.refund()
        raise
    for _second in range(1, decoded.seconds):
        limits.hit("picture_seconds", owner.pk)
    if decoded.variants is None or decoded.description is None:
        raise Refused(decoded.refusal)
    described = decoded.description
    picture = Picture.objects.create(
        name=secrets.token_hex(16),
        owner=owner,
        shape=shape,
        width=described["width"],
        height=described["height"],
        color=described["color"],
        is_animated=described["is_animated"],
        waits_until=timezone.now() + UNSTORED_WAIT,
    )
    try:
        files.write(picture.name, decoded.variants)
        _stored(picture, sum(described["sizes"].values()), until or timezone.now() + WAIT)
    except BaseException as error:
        sweeping.discard(picture)
        if isinstance(error, Exception):  # each storage has errors of its own
            log.error("picture not stored", error=repr(error))
            raise Refused(_unkept()) from error
        raise
    return picture


def _decoded(file: Upload, shape: Shape, keeps_moving: bool) -> decoding.Decoded:
    try:
        return decoding.decode(file, shape=shape, keeps_moving=keeps_moving)
    except OSError as error:  # the disk is full
        log.error("picture not decoded", error=repr(error))
        raise Refused(_unkept()) from error


def _check_limits(owner_id: int, file: Upload) -> list[limits.Decision]:
    """Before the upload is decoded. Returns what was counted: the upload and its first second of decoding."""
    if (file.size or 0) > decoding.BYTES_LIMIT:
        raise Refused(decoding.too_big())
    hits: list[limits.Decision] = []
    for scope in ("picture", "picture_seconds"):
        if not (decision := limits.hit(scope, owner_id)):
            for counted in hits:
                counted.refund()
            raise Refused(str(decision.message), decision)
        hits.append(decision)
    if _many_wait(owner_id):
        raise Refused(_("many pictures of yours wait to be used; use them or take them away first."))
    return hits


def _many_wait(owner_id: int) -> bool:
    waiting = Picture.objects.filter(owner=owner_id, waits_until__gt=Now())
    soon = waiting.filter(waits_until__lt=Now() + 2 * WAIT)  # twice: clocks differ
    return soon.count() >= WAITING_LIMIT or waiting.count() >= WAITING_LIMIT + KEPT_LIMIT


def _unkept() -> str:
    return _("we couldn't keep it just now; please try again later.")


def _stored(picture: Picture, size: int, until: datetime) -> None:
    """From now on the picture can be used."""
    picture.bytes, picture.waits_until = size, until
    waiting = Picture.objects.filter(pk=picture.pk, waits_until__gt=Now())
    if not waiting.update(bytes=size, waits_until=until):
        raise FileNotFoundError(picture.name)  # swept: the upload took longer than `UNSTORED_WAIT`


@transaction.atomic
def use(*, owner: Any, names: Sequence[str]) -> list[Picture]:
    """Makes the owner's waiting pictures of these names used, in this order; others are left out.

    One whose wait is over is left out, too: the sweep may have deleted its files.
    """
    locked = Picture.objects.select_for_update().filter(
        owner=owner, name__in=names, waits_until__gt=Now(), bytes__gt=0
    )
    by_name = {picture.name: picture for picture in locked.order_by("pk")}
    used = [by_name[name] for name in dict.fromkeys(names) if name in by_name]
    Picture.objects.filter(pk__in=[picture.pk for picture in used]).update(waits_until=None)
    for picture in used:
        picture.waits_until = None
    return used


def release(*, pictures: Iterable[Picture]) -> None:
    """Gives pictures up for good. Files and rows are deleted after the commit, or else by the sweep."""
    pks = [picture.pk for picture in pictures]
    if Picture.objects.filter(pk__in=pks).update(waits_until=Now()):
        transaction.on_commit(partial(sweeping.delete_now, pks))


def keep(*, owner: Any, names: Sequence[str], until: datetime) -> None:
    """Lets waiting pictures wait at least until then, for a draft."""
    waiting = Picture.objects.filter(owner=owner, name__in=names, waits_until__gt=Now())
    waiting.filter(waits_until__lt=until).update(waits_until=until)


def wait(*, owner: Any, names: Sequence[str], until: datetime) -> None:
    """Lets waiting pictures wait until then, even if that is sooner."""
    Picture.objects.filter(owner=owner, name__in=names, waits_until__gt=Now()).update(waits_until=until)


def describe(*, owner: Any, name: str, alt: str, focal: tuple[int, int] | None = None) -> bool:
    """Stores the words for a picture and its focal point, in percent. Returns whether the owner has it."""
    changes: dict[str, Any] = {"alt": alt[:ALT_LIMIT]}
    if focal is not None:
        changes["focal_x"], changes["focal_y"] = (min(100, max(0, place)) for place in focal)
    return bool(Picture.objects.filter(owner=owner, name=name).update(**changes))
