"""Rate limits in PostgreSQL: who tries too often waits, and nobody else does.

Problem (2008)
    Kwippy limited nothing: passwords could be guessed, mail sent to anybody and accounts made as fast as a
    script went. Limits kept in memcached, as is usual, are no limits: when it is down, a counter by
    ``incr`` admits everyone and a lock by ``add`` refuses everyone; counting up to a number for each
    account lets anyone lock anyone out; and whoever believes ``X-Forwarded-For`` limits nobody.

Mechanism
    `admit` counts one try of a *scope* ("publish") by *whom* (a person's number, a network) in one row: the
    times of the last tries that its rate, ``30/10m``, is about. One statement (``sql/admit.sql``) looks
    whether the oldest of them is still within the span and, if not, puts the new one in its place, under
    the row's own lock and by PostgreSQL's clock. A refusal finds the row full, and writes and locks nothing.

    - The transaction is `durable`: `admit` refuses to run inside another one, whose rollback would take
      the count back. The table is UNLOGGED: no write waits for a disk.
    - `Admission.refund` takes a try back: failed sign-ins are counted before the password is looked at, so
      that many at once can't slip through, and right ones are taken back.
    - `refuse` answers with the form's own page as a 429: what was typed stays in it. `refuse_click` answers
      a button.
    - `Busy` is raised where not the rate but the number at the same time is limited: password hashes and
      pictures, for their memory. It is answered by a 503.
    - `client_address` and `client_network` say who a stranger is: IPv6 by its /64, `X-Forwarded-For` from
      the right, as far as it was written by proxies that ``TRUSTED_PROXIES`` names.
    - `LimitsCache` is where django-allauth keeps its own counters: Django's cache in the database, without
      counting all rows at each write, without throwing live counters away, and without pickle.

Switch
    ``LIMITS``: a rate for each scope, None for no limit. ``ACCOUNT_RATE_LIMITS``: allauth's.
    ``CACHES["default"]``: where allauth counts. ``TRUSTED_PROXIES``: empty where nothing stands in front.

Invariant
    In no span of its length are more tries admitted than a rate says, however many come at once, whether
    memcached is up or down, and whatever is rolled back afterwards. Failed sign-ins count by account *and*
    network: nobody can lock out somebody who is elsewhere. A header that a client wrote changes nothing.

When it fails
    Without PostgreSQL nothing is admitted: the error reaches the page for it (503), as it does for
    everything else. After a crash of PostgreSQL the tables are empty, as UNLOGGED ones are, and counting
    begins anew; a new SECRET_KEY does the same. A clock that was set back locks nobody out. Behind a proxy
    that ``TRUSTED_PROXIES`` does not name, all visitors are one client: the site's own limits for strangers
    are met soon. Guesses at one password from very many networks are slowed, not stopped. `sweep` takes
    expired rows away; without it the tables grow, and nothing else changes.

How to measure
    ``pytest apps/limits``: 50 at once, memcached dead, transactions rolled back, forged headers.
"""

from apps.limits.addresses import client_address, client_network
from apps.limits.counter import Admission, admit, forget, refused
from apps.limits.rates import Rate
from apps.limits.responses import Busy, prefers_json, refuse, refuse_click
from apps.limits.sweeping import sweep

__all__ = [
    "Admission",
    "Busy",
    "Rate",
    "admit",
    "client_address",
    "client_network",
    "forget",
    "prefers_json",
    "refuse",
    "refuse_click",
    "refused",
    "sweep",
]
