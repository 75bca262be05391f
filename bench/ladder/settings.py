"""The site with those optimizations that LADDER_ON names, separated by commas; the others are off, as in
`kwippy/settings/stock.py`.

Every value is one of `stock.py` or of `optimizations.py`. With all of them it is the site as it is deployed,
with none of them stock Django. Custom SQL and keyset pagination are code: while one of them is off, the pages
of `bench/ladder/pages.py` take the place of the site's.
"""

import os

from bench.ladder.configurations import OPTIMIZATIONS
from kwippy.settings import optimizations
from kwippy.settings.stock import *  # noqa: F403
from kwippy.settings.stock import CACHES

LADDER_ON = frozenset(filter(None, os.environ.get("LADDER_ON", "").split(",")))
LADDER_CACHES_CARDS = "lookaside" in LADDER_ON
if unknown := LADDER_ON.difference(OPTIMIZATIONS):
    raise ValueError(f"LADDER_ON: unknown {', '.join(sorted(unknown))}")

if "lookaside" in LADDER_ON:
    CACHES = CACHES | {"lookaside": optimizations.CACHES["lookaside"]}
    SESSION_ENGINE = optimizations.SESSION_ENGINE
    AUTHENTICATION_BACKENDS = optimizations.AUTHENTICATION_BACKENDS
    MIDDLEWARE = optimizations.MIDDLEWARE
    FRAGMENT_CACHE_BYTES = optimizations.FRAGMENT_CACHE_BYTES
    NETWORK_FIRST_PAGES = optimizations.NETWORK_FIRST_PAGES
    CARD_NEAR_CACHE_BYTES = optimizations.CARD_NEAR_CACHE_BYTES
    MARK_SECONDS = optimizations.MARK_SECONDS
# SHEDDING stays off: every site is measured under the same load.
if "pagecache" in LADDER_ON:
    PAGECACHE = optimizations.PAGECACHE
    if PAGECACHE and "lookaside" not in LADDER_ON:
        # Pages are cached, and nothing else: they have a look-aside cache of their own.
        CACHES = CACHES | {"pages": optimizations.CACHES["lookaside"]}
        PAGECACHE = PAGECACHE | {"CACHE": "pages"}
if "sql" in LADDER_ON:
    PREPARED_STATEMENTS = optimizations.PREPARED_STATEMENTS
if "dbpool" in LADDER_ON:
    DATABASES = optimizations.DATABASES
if "commandqueue" in LADDER_ON:
    TASKS = optimizations.TASKS
    MAILERS = optimizations.MAILERS
if not LADDER_ON.issuperset({"sql", "keyset"}):
    ROOT_URLCONF = "bench.ladder.urls"
