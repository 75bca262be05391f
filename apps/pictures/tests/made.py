"""Uploads, made in memory."""

import io
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image


def content(
    kind: str = "JPEG", size: tuple[int, int] = (900, 600), color: str = "#bbd26c", **options: Any
) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, color).save(out, kind, **options)
    return out.getvalue()


def upload(given: bytes | None = None, name: str = "tea.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content() if given is None else given, content_type="image/jpeg")
