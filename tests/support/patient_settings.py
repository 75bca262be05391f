"""The site's settings for a busy machine: a slow service does not count as down.

`served(patient=True)` runs gunicorn with them, for tests that are not about timing.
"""

from apps.pagecache import wsgi
from kwippy.settings import *  # noqa: F403
from kwippy.settings import CACHES, MEMCACHED_SERVERS

if MEMCACHED_SERVERS:
    CACHES["lookaside"]["OPTIONS"] |= {"connect_timeout": 10, "timeout": 10}
# A slow render is no overload.
SHEDDING = None
# Wait for another process's render for up to a minute.
setattr(wsgi, "WAITS", (0.05,) * 1200)  # noqa: B010 - a longer tuple than its type says
