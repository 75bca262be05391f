"""The WSGI application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kwippy.settings")

_django = get_wsgi_application()

from apps import pagecache  # noqa: E402 - Django must be set up
from kwippy import shedding  # noqa: E402

application = pagecache.wrapped(_django, admission=shedding.admission())
