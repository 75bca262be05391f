"""A member's network page, over HTTP: this site beside the same site without the look-aside cache.

`python -m bench.lookaside.network_page` prints its result as one line of JSON.
"""

import json
import os
import re
import subprocess
import sys
from contextlib import ExitStack

from bench.lib.community import KWIPS, community
from bench.lib.database import ROOT, postgres
from bench.lib.http import fetch, load
from bench.lib.measure import Timing, rotated, times_as_fast
from bench.lib.servers import gunicorn, memcached

ROUNDS = 7
SECONDS = 1.5
CLIENTS = 4
VARIANTS = {
    "ours": ("kwippy.settings", "kwippy.wsgi"),
    "uncached": ("bench.lookaside.uncached_settings", "bench.lookaside.uncached_wsgi"),
}
_SESSION = """
import django
django.setup()
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from importlib import import_module
from allauth.usersessions.models import UserSession
from apps.accounts.models import User
user = User.objects.get(username="bench_active_100")
session = import_module(settings.SESSION_ENGINE).SessionStore()
session[SESSION_KEY] = str(user.pk)
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.save()
UserSession.objects.create(user=user, session_key=session.session_key, ip="127.0.0.1")
print(session.session_key)
"""


def main() -> None:
    """Measures a copy of the small community."""
    with memcached() as address, postgres() as server:
        # A copy that accepts writes: signing in writes the session.
        os.environ |= {"MEMCACHED_SERVERS": address, "STATIC_MANIFEST": "0"}
        with community(server, "lookaside", kwips=KWIPS["small"]):
            print(json.dumps(measure()))


def measure() -> dict[str, object]:
    """Loads both sites in turns, and reads from `Server-Timing` what a page of ours cost."""
    timings = {name: Timing() for name in VARIANTS}
    with ExitStack() as stack:
        sites = {}
        for name, (settings, wsgi) in VARIANTS.items():
            headers = {"Cookie": signed_in(settings)}
            site = gunicorn(wsgi, ready="/", headers=headers, DJANGO_SETTINGS_MODULE=settings)
            sites[name] = (stack.enter_context(site).port, "/", headers)
        for site_of in sites.values():
            if b"<article" not in fetch(*site_of).body:
                raise SystemExit("bench: the network page shows no kwip")
            load(*site_of, clients=CLIENTS, seconds=SECONDS)  # fills caches, prepares statements
        for number in range(ROUNDS):
            for name in rotated(list(VARIANTS), number):
                found = load(*sites[name], clients=CLIENTS, seconds=SECONDS)
                if found.failed:
                    raise SystemExit(f"bench: {found.failed} requests to {name} failed")
                timings[name].rounds.append(1000 / found.requests_a_second)
        timing = dict(fetch(*sites["ours"]).headers)["Server-Timing"]
    counted = {what: int(number) for number, what in re.findall(r"(\d+) (queries|round trips)", timing)}
    return {
        "ratios": times_as_fast(timings["ours"], timings["uncached"]).rounds,
        "requests_a_second": {name: round(1000 / timing.median, 1) for name, timing in timings.items()},
        **counted,
    }


def signed_in(settings: str) -> str:
    """The cookies of a signed-in member: the session, and what the browser got with the form to sign in."""
    key = subprocess.run(
        [sys.executable, "-c", _SESSION],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": settings},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.split()[-1]
    return f"sessionid={key}; csrftoken={'x' * 32}"


if __name__ == "__main__":
    main()
