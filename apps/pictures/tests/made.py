"""Uploads, made in memory."""

import io
import struct
import zlib
from functools import cache
from typing import Any

import pillow_heif
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, PngImagePlugin

GREEN = "#bbd26c"

pillow_heif.register_heif_opener()


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def content(kind: str = "JPEG", size: tuple[int, int] = (900, 600), **options: Any) -> bytes:
    return encoded(Image.new("RGB", size, GREEN), kind, **options)


def upload(given: bytes | None = None, name: str = "tea.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content() if given is None else given, content_type="image/jpeg")


def noise(width: int, height: int) -> Image.Image:
    """Not the same everywhere, and fast to make."""
    grain = Image.effect_noise((97, 89), 80).resize((width, height), Image.Resampling.BILINEAR)
    return Image.merge("RGB", [grain, grain.transpose(Image.Transpose.ROTATE_180), grain])


def sideways(orientation: int, kind: str = "JPEG") -> bytes:
    """A picture whose upper left corner is white once it is turned as its EXIF says."""
    upright = Image.new("L", (600, 400), 0)
    upright.paste(255, (0, 0, 300, 200))
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }.get(orientation)
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(upright if back is None else upright.transpose(back), kind, exif=exif.tobytes())


def animation(kind: str, frames: int = 5, size: tuple[int, int] = (640, 480)) -> bytes:
    shades = [Image.new("RGB", size, (index * 97 % 256, 90, index * 61 % 256)) for index in range(frames)]
    return encoded(shades[0], kind, save_all=True, append_images=shades[1:], duration=80)


def png_with(kind: bytes, data: bytes) -> bytes:
    """A good PNG with one more chunk before its pixels."""
    good = content("PNG", (60, 40))
    chunk = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return good[:33] + chunk + good[33:]


def bomb(prefix: bytes, size: int = 500_000_000) -> bytes:
    """Zeros that take half a gigabyte once they are decompressed."""
    return prefix + b"\0\0" + _zeros(size)


@cache
def _zeros(size: int) -> bytes:
    packer = zlib.compressobj(9)
    parts = [packer.compress(bytes(1_000_000)) for _ in range(size // 1_000_000)]
    return b"".join(parts) + packer.flush()


def with_text(text: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", text)
    return encoded(Image.new("RGB", (60, 40), GREEN), pnginfo=info)
