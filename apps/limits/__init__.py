"""Rate limits in PostgreSQL: exact under concurrency, independent of memcached.

In one minute: for each scope ("publish") and client there is one row with the times of the last hits, as
many as the rate allows. A hit is allowed if the oldest of them is outside the span; then one statement
replaces it, under the row's lock.

    hit("publish", user)      rate 3/10m
      times: [12:01, 12:05, 12:08]   at 12:09: 12:01 is within 10 minutes → refused, wait 2 minutes
      times: [12:05, 12:08, 12:12]   at 12:12: 12:01 is not → allowed, 12:12 is stored

Read in this order: `hits.py`, `sql/hit.sql`, `addresses.py`, `responses.py`, `cache.py`.

Problem (2008)
    Kwippy limited nothing: scripts could guess passwords, send mail and create accounts at full speed. The
    usual limits in memcached fail with it: while it is down, a counter by ``incr`` allows everything and a
    lock by ``add`` refuses everything. A counter by account alone lets an attacker lock the owner out, and
    trusting ``X-Forwarded-For`` lets a client choose its address.

Mechanism
    - `hit` counts one hit of a scope by a client and returns a `Decision`. Its transaction is `durable`:
      `hit` refuses to run inside another, whose rollback would undo the count. A refused hit writes and
      locks no row of this app; what it calls (`on_refused`) bounds its own writes.
    - `Decision.refund` takes a hit back: a sign-in counts as failed before the password is checked, so that
      parallel guesses are limited, and is refunded if it succeeds.
    - `refuse` renders the form's page as a 429 with the input kept; `refuse_click` answers a button. The
      message is the template ``limits/refused.txt``.
    - `Busy` limits concurrency instead of rate (password hashes, pictures: memory). It is answered by a 503.
    - `client_address` and `client_network` identify an anonymous client: IPv6 by its /64; `X-Forwarded-For`
      from the right, as far as trusted proxies wrote it.
    - `LimitsCache` stores django-allauth's own counters: Django's database cache without its row count at
      each write, without evicting live entries, without pickle.

Switch
    ``LIMITS``: a rate for each scope, None for no limit. ``ACCOUNT_RATE_LIMITS``: allauth's.
    ``CACHES["default"]``: where allauth counts. ``TRUSTED_PROXIES``: empty without a proxy.

Invariant
    No span of its length has more allowed hits than the rate, at any concurrency, with memcached up or
    down, whatever is rolled back afterwards. Failed sign-ins count by account *and* network: an attacker
    can't lock the owner out. A header written by the client changes nothing.

When it fails
    Without PostgreSQL nothing is allowed: the error leads to a 503. After a crash of PostgreSQL, or with a
    new SECRET_KEY, counting restarts from zero. If ``TRUSTED_PROXIES`` lacks a proxy, all its visitors
    count as one client. Without
    `sweep` the tables grow.

How to measure
    ``pytest apps/limits``: 50 hits at once, memcached down, rolled-back transactions, forged headers.
"""

from apps.limits.addresses import client_address, client_network
from apps.limits.hits import Decision, forget, hit, is_met, on_refused, reset
from apps.limits.rates import Rate
from apps.limits.responses import Busy, prefers_json, refuse, refuse_click
from apps.limits.sweeping import sweep

__all__ = [
    "Busy",
    "Decision",
    "Rate",
    "client_address",
    "client_network",
    "forget",
    "hit",
    "is_met",
    "on_refused",
    "prefers_json",
    "refuse",
    "refuse_click",
    "reset",
    "sweep",
]
