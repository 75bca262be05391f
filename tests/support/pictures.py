"""Pictures that wait to be used, without the decoder."""

import secrets
from datetime import timedelta
from typing import Any

from django.utils import timezone

from apps.pictures import files
from apps.pictures.decoder import SHAPES
from apps.pictures.models import Picture, Shape


def waiting(owner: Any, shape: Shape = Shape.SQUARE, content: bytes = b"RIFF0000WEBP") -> Picture:
    picture = Picture.objects.create(
        name=secrets.token_hex(16),
        owner=owner,
        shape=shape,
        width=400,
        height=400,
        color="#bbd26c",
        bytes=len(content),
        waits_until=timezone.now() + timedelta(days=1),
    )
    files.write(picture.name, {variant.name: content for variant in SHAPES[shape]})
    return picture
