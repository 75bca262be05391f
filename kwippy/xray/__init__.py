"""X-ray: at the end of each page, for its developer, how the page was made and what it cost.

    browser ──▶ kwippy/xray/wsgi.py:XRay ──▶ apps/pagecache ──▶ Django
                  │ recording.py: statements, reads of the cache, check-outs, time of this thread
                  ▼
                panel.py: HTML before </body>; its links: sources.py

`wrapped` stands around the page cache, so that a stored page stays as it is and each request has a panel of
its own. The page cache sees a request without `If-None-Match` and `Accept-Encoding`: there is always a whole
page to write into. What no person looks at (a request that does not accept HTML) passes unchanged.

Only a developer ever sees it. XRAY is off by default, on with DEBUG and in `make run`; `kwippy.checks.xray`
refuses it on a site of another host, where `is_allowed` leaves it off in any case; only a browser on the same
machine, without a proxy, gets a panel; and the production image does not have this folder (`.dockerignore`).
Where it is off, `kwippy/wsgi.py` does not import it.

Statements are shown as they are sent, without their values.
"""

from kwippy.xray.wsgi import wrapped

__all__ = ["wrapped"]
