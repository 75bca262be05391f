"""A mark for tests of the connection pool."""

import pytest
from django.conf import settings

# All other tests also pass with "django.db.backends.postgresql".
pooled = pytest.mark.skipif(
    settings.DATABASES["default"]["ENGINE"] != "apps.dbpool", reason="the site runs without a pool"
)
