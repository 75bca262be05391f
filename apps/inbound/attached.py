"""The pictures of a mail: uploaded as from the composer, in their order."""

from typing import NamedTuple

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.inbound import texts
from apps.inbound.parsing import Message
from apps.kwips.picture_models import PICTURES
from apps.pictures import actions as pictures


class Attached(NamedTuple):
    """The names of the pictures that wait for the kwip, and why others are left out."""

    names: list[str]
    refusals: list[str]


def upload(owner: User, message: Message) -> Attached:
    """Raises `limits.Busy` if too many pictures are decoded just now: the mail is to come again."""
    attached = Attached([], [])
    for part in texts.attachments(message):
        if len(attached.names) == PICTURES:
            attached.refusals.append(_("there is room for %d pictures.") % PICTURES)
            break
        content = part.get_payload(decode=True)
        data = content if isinstance(content, bytes) else b""
        try:
            name = pictures.upload(owner=owner, file=SimpleUploadedFile("attached", data)).name
        except pictures.Refused as refused:
            attached.refusals.append(f"{_name_of(part)}: {refused.message}")
        else:
            attached.names.append(name)
    return attached


def _name_of(part: Message) -> str:
    try:
        return " ".join(str(part.get_filename() or part.get_content_type()).split())[:80]
    except Exception:  # the grammar of headers has holes
        return part.get_content_type()
