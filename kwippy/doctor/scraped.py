"""The metrics of the running processes: the one place where checks read counters.

The doctor is a process of its own, so it asks `/metrics` of each, as prometheus does. A counter that must not
grow gets a line in `COUNTERS`.
"""

import socket
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from django.conf import settings
from prometheus_client.parser import text_string_to_metric_families

from kwippy.doctor.report import Finding, not_checked, ok, warn, wrong

SECONDS = 3.0
MOST_BYTES = 4_000_000
MOST_FAILURES_OF_MAIL = 5


class Rule(NamedTuple):
    """A counter since the start of its process, of which ``most`` are nothing to speak of."""

    metric: str
    most: float
    text: str
    mend: str


COUNTERS = (
    Rule(
        "kwippy_pool_timeouts_total",
        0,
        "requests got a 503 since no connection to PostgreSQL was free",
        "look for `slow statement` in the log of web; then raise DATABASE_POOL_SIZE",
    ),
    Rule(
        "kwippy_lookaside_total{result=failure}",
        10,
        "round trips to memcached failed",
        "docker-compose ps memcached; the site is slower without it",
    ),
)


def counters() -> Iterator[Finding]:
    """Counters that must not grow, and mail that a worker can't send."""
    found, silent = read()
    for url in silent:
        mend = "docker-compose ps: is it up? METRICS_URLS names what to ask"
        yield wrong("metrics", f"{url} does not answer", mend)
    if not found:
        if not silent:
            yield not_checked("metrics", "METRICS_URLS names no process to ask")
        return
    grown = [rule for rule in COUNTERS if found.get(rule.metric, 0) > rule.most]
    for rule in grown:
        yield warn("metrics", f"{found[rule.metric]:,.0f} {rule.text} since its start", rule.mend)
    failures = sum(
        value for name, value in found.items() if name.startswith("commandqueue_mail_failures_in_a_row")
    )
    if failures > MOST_FAILURES_OF_MAIL:
        mend = "manage.py queue status has the reason; manage.py doctor --mail ADDRESS asks the server"
        yield wrong("mail", f"{failures:.0f} attempts failed in a row", mend)
    elif not grown and not silent:
        yield ok("metrics", f"{len(COUNTERS)} counters of faults are quiet")


def read() -> tuple[dict[str, float], list[str]]:
    """The samples of all METRICS_URLS, summed, by `name{label=value}`; and the URLs that did not answer."""
    total: Counter[str] = Counter()
    silent = []
    for url in settings.METRICS_URLS:
        try:
            for address in _addresses(url):
                total.update(_samples(address))
        except (OSError, URLError, ValueError):
            silent.append(url)
    return dict(total), silent


def _addresses(url: str) -> list[str]:
    """The URL with each address of its host: a service can have several containers. Raises OSError."""
    parts = urlsplit(url)
    port = parts.port or 80
    found = {str(entry[4][0]) for entry in socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)}
    hosts = [f"[{host}]" if ":" in host else host for host in sorted(found)]
    return [parts._replace(netloc=f"{host}:{port}").geturl() for host in hosts]


def _samples(url: str) -> dict[str, float]:
    if not url.startswith("http://"):
        raise ValueError(url)
    with urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 - http alone
        text = answer.read(MOST_BYTES).decode()
    return {
        key(sample.name, sample.labels): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def key(name: str, labels: dict[str, str]) -> str:
    """`name{label=value,…}`, or the name alone."""
    inner = ",".join(f"{label}={value}" for label, value in sorted(labels.items()))
    return f"{name}{{{inner}}}" if inner else name
