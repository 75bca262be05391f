"""What can only be so where connections are pooled."""

import pytest
from django.conf import settings

# With "django.db.backends.postgresql", the one-line way back, all other tests hold.
pooled = pytest.mark.skipif(
    settings.DATABASES["default"]["ENGINE"] != "apps.dbpool", reason="the site runs without a pool"
)
