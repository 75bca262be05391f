"""Where uploaded pictures are: a folder, or an S3-compatible object store."""

from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from kwippy.settings.environment import env, secret

#: MEDIA_STORAGE: Where uploaded pictures are stored: `local` (MEDIA_ROOT) or `s3` (an S3-compatible object
#:   store; MEDIA_URL is then the address, on another host, at which browsers find its objects).
MEDIA_STORAGE = env.str("MEDIA_STORAGE", "local")
#: S3_BUCKET: The bucket of uploaded pictures. Browsers must be able to read its objects, not list them.
S3_BUCKET = env.str("S3_BUCKET", "")
#: S3_ENDPOINT: The address of the object store. Empty: Amazon's.
S3_ENDPOINT = env.str("S3_ENDPOINT", "")
#: S3_REGION: The region of the bucket, where the store has regions.
S3_REGION = env.str("S3_REGION", "")
#: S3_ACCESS_KEY: The name of the key that may read, write, delete and list the bucket's objects.
S3_ACCESS_KEY = env.str("S3_ACCESS_KEY", "")
#: S3_SECRET_KEY: The key itself.
S3_SECRET_KEY = secret("S3_SECRET_KEY")


def media_storage(media_url: str) -> dict[str, Any]:
    """The entry of STORAGES. Raises ImproperlyConfigured for a store that can't be used."""
    if MEDIA_STORAGE == "local":
        return {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    if MEDIA_STORAGE != "s3":
        raise ImproperlyConfigured(f"MEDIA_STORAGE must be local or s3; got {MEDIA_STORAGE!r}.")
    address = urlsplit(media_url)
    if not (S3_BUCKET and S3_ACCESS_KEY and S3_SECRET_KEY and address.netloc):
        raise ImproperlyConfigured(
            "MEDIA_STORAGE=s3 needs S3_BUCKET, S3_ACCESS_KEY, S3_SECRET_KEY, and a MEDIA_URL with a host."
        )
    from botocore.config import Config  # late: it takes 20 MB

    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": S3_ENDPOINT or None,
            "region_name": S3_REGION or None,
            "access_key": S3_ACCESS_KEY,
            "secret_key": S3_SECRET_KEY,
            "custom_domain": address.netloc + address.path.rstrip("/"),
            "url_protocol": f"{address.scheme}:",
            "querystring_auth": False,
            # A picture's name is random, and its content never changes.
            "file_overwrite": True,
            "object_parameters": {"CacheControl": "public, max-age=31536000, immutable"},
            # A request waits for the store: better a clear refusal than a long wait.
            "client_config": Config(
                connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1}, signature_version="s3v4"
            ),
        },
    }
