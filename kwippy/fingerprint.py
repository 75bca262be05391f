"""A fingerprint of the code, for sites that set no RELEASE."""

from hashlib import blake2b
from pathlib import Path


def fingerprint(root: Path) -> str:
    """A digest that changes with the code, the templates, translations and static files below ``root``.

    It is made of sizes and modification times, so that it takes milliseconds.
    """
    digest = blake2b(digest_size=6)
    for folder in ("apps", "kwippy", "locale", "static", "templates"):
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                status = path.stat()
                digest.update(f"{path}{status.st_size}{status.st_mtime_ns}".encode())
    return digest.hexdigest()
