"""How gunicorn serves kwippy, everywhere: the environment moves what depends on the machine."""  # noqa: N999 - the name gunicorn looks for

import os
import shutil
import tempfile
from typing import Any

from deploy import slot
from kwippy.logs import logging_config

bind = os.environ.get("BIND", "127.0.0.1:8000").split(",")
worker_class = "gthread"
# Two processes keep two cores busy; threads wait for PostgreSQL and memcached meanwhile.
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
# Off: connections and pools must never be inherited by fork, and a release is picked up by HUP.
preload_app = False

# A worker that says nothing for this long is replaced.
timeout = int(os.environ.get("WEB_TIMEOUT", "30"))
# What a request may still take after SIGTERM; what stops us must wait longer than this.
graceful_timeout = int(os.environ.get("WEB_GRACEFUL_TIMEOUT", "10"))
# Longer than the idle time a proxy keeps its connections for, or it meets a closed one.
keepalive = int(os.environ.get("WEB_KEEPALIVE", "75"))
# A leak, anybody's, ends with its process; the jitter keeps workers from leaving together.
max_requests = int(os.environ.get("WEB_MAX_REQUESTS", "20000"))
max_requests_jitter = max_requests // 10

# Those who may say that a request came by TLS are those whom the site believes (gunicorn always believes
# whoever can open its socket); the default would believe anything on this machine.
_proxies = os.environ.get("TRUSTED_PROXIES", "").replace(" ", "").split(",")
forwarded_allow_ips = ",".join(name for name in _proxies if name != "unix")
# The heartbeat file must not wait for a slow disk.
_memory = "/dev/shm"  # noqa: S108 - gunicorn makes its file there with a name of its own
worker_tmp_dir = _memory if os.access(_memory, os.W_OK) else None
# A door for commands that nothing here uses.
control_socket_disable = True
# The site logs its own requests, with their ids; gunicorn tells about itself only.
accesslog = None
errorlog = "-"
loglevel = os.environ.get("WEB_LOG_LEVEL", "warning")
logconfig_dict = logging_config(
    format=os.environ.get("LOG_FORMAT") or "json", level=os.environ.get("LOG_LEVEL") or "INFO"
)


def on_starting(server: Any) -> None:
    """A folder for what the workers count: this master's own, as one that takes over (USR2) counts anew."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="kwippy-metrics-", dir=worker_tmp_dir)


def post_worker_init(worker: Any) -> None:
    from kwippy import metrics

    metrics.keep_noting()
    # The site is loaded: nginx may find us. Later workers change nothing: we may have been withdrawn.
    if worker.age <= workers:
        for address in bind:
            slot.publish(address)


def worker_exit(server: Any, worker: Any) -> None:
    """Closes the pool in order: threads that hang would keep Python's own end from coming to it."""
    from django.apps import apps
    from django.db import connections

    if apps.ready:
        for connection in connections.all():
            connection.close()
            connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's, whichever engine


def child_exit(server: Any, worker: Any) -> None:
    """What the ended worker has counted stays; its gauges go."""
    from kwippy import metricfiles

    if folder := metricfiles.folder():
        metricfiles.sweep(folder, living=server.WORKERS)


def on_exit(server: Any) -> None:
    for address in bind:
        slot.withdraw(address)
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)
