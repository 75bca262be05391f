"""Pictures of people: checked before they are decoded, and never kept as they came."""

import io
import secrets
import threading
import warnings
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from PIL import Image, ImageOps

BYTES_LIMIT = 8 * 1024 * 1024
# What a decoder needs is a few bytes a pixel; a JPEG is decoded small to begin with.
PIXELS_LIMIT = 16_000_000
JPEG_PIXELS_LIMIT = 80_000_000
SIDE = 400  # pixels of the square that is kept
_one_at_a_time = threading.Lock()  # many at once would need the memory of all of them
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")  # no SVG: that is a program, not a picture


def picture_from(upload: UploadedFile) -> bytes:
    """The upload as a square WebP of `SIDE` pixels, without any of its metadata.

    Raises ValidationError for what is too big, or no picture that we read. Size and pixels are looked at
    in the header, before anything is decoded; an animation gives its first picture.
    """
    if (upload.size or 0) > BYTES_LIMIT:
        raise ValidationError(_("that file is too big; a picture may have %d MB.") % (BYTES_LIMIT >> 20))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(upload, formats=FORMATS) as picture:
                limit = JPEG_PIXELS_LIMIT if picture.format == "JPEG" else PIXELS_LIMIT
                if picture.width * picture.height > limit:
                    raise ValidationError(_("that picture has too many pixels; a smaller one, please."))
                with _one_at_a_time:
                    return _square(picture)
    except ValidationError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValidationError(_("that picture has too many pixels; a smaller one, please.")) from None
    except Exception:  # Pillow's decoders raise whatever a damaged file makes them raise
        raise ValidationError(_("that's no picture we can read: JPEG, PNG, WebP or GIF, please.")) from None


def _square(picture: Image.Image) -> bytes:
    picture.draft("RGB", (SIDE, SIDE))  # a large JPEG is decoded small
    coarse = max(1, min(picture.size) // (2 * SIDE))
    small = picture.convert("RGBA" if picture.mode == "P" else picture.mode).reduce(coarse)
    small.info, small._exif = picture.info, picture.getexif()
    upright = ImageOps.exif_transpose(small)
    # A new image from the pixels alone: EXIF, GPS, comments, profiles stay behind.
    square = ImageOps.fit(upright.convert("RGBA"), (SIDE, SIDE), method=Image.Resampling.LANCZOS)
    kept = io.BytesIO()
    Image.frombytes("RGBA", square.size, square.tobytes()).save(kept, "WEBP", quality=82)
    return kept.getvalue()


def store(picture: bytes) -> str:
    """Writes the picture below media/avatars under a random name, whole or not at all. Returns the name.

    Raises OSError (the disk is full).
    """
    name = f"{secrets.token_hex(16)}.webp"
    folder = Path(settings.MEDIA_ROOT) / "avatars"
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{name}"
    try:
        unfinished.write_bytes(picture)
        unfinished.rename(folder / name)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    return name


def remove(name: str) -> None:
    """Deletes a picture. One that is not there is no error."""
    if name:
        (Path(settings.MEDIA_ROOT) / "avatars" / name).unlink(missing_ok=True)
