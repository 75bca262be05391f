"""The site's settings for a busy machine: what is only slow is not taken for away.

`served(patient=True)` runs gunicorn with them, where a test is about what is true and not about how soon.
"""

from apps.pagecache import wsgi
from kwippy.settings import *  # noqa: F403
from kwippy.settings import CACHES, MEMCACHED_SERVERS

if MEMCACHED_SERVERS:
    CACHES["lookaside"]["OPTIONS"] = {"connect_timeout": 10, "timeout": 10}
# For a page that another makes one waits a minute.
setattr(wsgi, "WAITS", (0.05,) * 1200)  # noqa: B010 - a longer tuple than its type says
