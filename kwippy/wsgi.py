"""The WSGI application that gunicorn serves."""

import os
from importlib.util import find_spec

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kwippy.settings")

_django = get_wsgi_application()

from django.conf import settings  # noqa: E402 - Django must be set up

from apps import pagecache  # noqa: E402
from kwippy import shedding  # noqa: E402

application = pagecache.wrapped(_django, admission=shedding.admission())

# For a developer, never in production: the image does not have this folder.
if settings.XRAY and find_spec("kwippy.xray"):
    from kwippy import xray

    application = xray.wrapped(application)
