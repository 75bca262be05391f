"""The pictures of a mail: uploaded as from the composer, in their order."""

import uuid
from typing import NamedTuple

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.translation import gettext as _

from apps import limits
from apps.accounts.models import User
from apps.inbound import texts
from apps.inbound.parsing import Message
from apps.kwips.picture_models import PICTURES
from apps.pictures import actions as pictures
from apps.pictures.models import Picture


class Attached(NamedTuple):
    """The pictures that wait for the kwip, and why others are left out."""

    pictures: list[Picture]
    refusals: list[str]


def upload(owner: User, message: Message, key: uuid.UUID) -> Attached:
    """Raises `limits.Busy` if too many pictures are decoded just now: the mail is to come again.

    After some tries of the mail, whose key is ``key``, the picture that found no room is left out instead:
    one that always takes too much would hold the mail for good.
    """
    attached = Attached([], [])
    for part in texts.attachments(message):
        if len(attached.pictures) == PICTURES:
            attached.refusals.append(_("there is room for %d pictures.") % PICTURES)
            break
        try:
            attached.pictures.append(pictures.upload(owner=owner, file=_file_of(part)))
        except pictures.Refused as refused:
            attached.refusals.append(f"{_name_of(part)}: {refused.message}")
        except limits.Busy:
            if limits.hit("mail_in_tries", key):
                pictures.release(pictures=attached.pictures)  # the next try uploads them again
                raise
            why = _("we couldn't keep it just now; please try again later.")
            attached.refusals.append(f"{_name_of(part)}: {why}")
    return attached


def _file_of(part: Message) -> SimpleUploadedFile:
    content = part.get_payload(decode=True)
    return SimpleUploadedFile("attached", content if isinstance(content, bytes) else b"")


def _name_of(part: Message) -> str:
    try:
        return " ".join(str(part.get_filename() or part.get_content_type()).split())[:80]
    except Exception:  # the grammar of headers has holes
        return part.get_content_type()
