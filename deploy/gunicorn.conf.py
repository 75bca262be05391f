"""gunicorn: processes, threads and time limits of the web server."""  # noqa: N999 - the name gunicorn looks for

import gc
import os
import shutil
import sys
import tempfile
from typing import Any

from deploy import slot
from kwippy.observability import multiproc_metrics
from kwippy.observability.logs import logging_config

#: BIND: Addresses to listen at, as `host:port` or `unix:/path`.
bind = os.environ.get("BIND", "127.0.0.1:8000").split(",")
worker_class = "gthread"
#: WEB_WORKERS: Processes: one a core. Their threads wait for PostgreSQL and memcached meanwhile.
workers = int(os.environ.get("WEB_WORKERS", "2"))
#: WEB_THREADS: Threads of each process.
threads = int(os.environ.get("WEB_THREADS", "8"))
# Off: connections and pools must not be inherited by fork, and HUP loads a new release.
preload_app = False

#: WEB_TIMEOUT: Seconds without a heartbeat after which a worker is replaced.
timeout = int(os.environ.get("WEB_TIMEOUT", "30"))
#: WEB_GRACEFUL_TIMEOUT: Seconds that requests may take after SIGTERM. The supervisor must wait longer.
graceful_timeout = int(os.environ.get("WEB_GRACEFUL_TIMEOUT", "10"))
#: WEB_KEEPALIVE: Seconds that an idle connection stays open. More than the proxy's own, or requests fail.
keepalive = int(os.environ.get("WEB_KEEPALIVE", "75"))
#: WEB_MAX_REQUESTS: Requests after which a worker is replaced, which bounds memory leaks. With 10 %
#:   jitter, so that workers are not replaced at the same time.
max_requests = int(os.environ.get("WEB_MAX_REQUESTS", "20000"))
max_requests_jitter = max_requests // 10

# gunicorn trusts X-Forwarded-Proto from the site's own proxies; its default is every local client. It always
# trusts clients of a Unix socket.
_proxies = os.environ.get("TRUSTED_PROXIES", "").replace(" ", "").split(",")
forwarded_allow_ips = ",".join(name for name in _proxies if name != "unix")
# The heartbeat file must not wait for a slow disk.
_memory = "/dev/shm"  # noqa: S108 - gunicorn makes its file there with a name of its own
worker_tmp_dir = _memory if os.access(_memory, os.W_OK) else None
# Nothing here uses gunicorn's control socket.
control_socket_disable = True
# The site logs requests with their ids; gunicorn logs only its own messages, with the handler that the call
# below gives its logger. With `logconfig_dict` it would format an access line for each request and drop it.
accesslog = errorlog = None
# Seconds that a thread computes before another one may. Python's default of 5 ms is as long as a member's
# whole request, which would wait so long for a render of a cold page, more than once.
SWITCH_INTERVAL = 0.001
#: WEB_LOG_LEVEL: The lowest level of gunicorn's own messages that is logged.
loglevel = os.environ.get("WEB_LOG_LEVEL", "warning")
logging_config(format=os.environ.get("LOG_FORMAT") or "json", level=os.environ.get("LOG_LEVEL") or "INFO")


def on_starting(server: Any) -> None:
    """A folder for the workers' metrics. Each master has its own: after USR2 the new one counts from 0."""
    os.environ[multiproc_metrics.FOLDER] = tempfile.mkdtemp(prefix="kwippy-metrics-", dir=worker_tmp_dir)


def pre_fork(server: Any, worker: Any) -> None:
    worker.slot = multiproc_metrics.free_slot([other.slot for other in server.WORKERS.values()])


def post_fork(server: Any, worker: Any) -> None:
    multiproc_metrics.use_slot(worker.slot)


def post_worker_init(worker: Any) -> None:
    from kwippy.observability import metrics

    sys.setswitchinterval(SWITCH_INTERVAL)
    metrics.start_copying()
    # The site is loaded: publish its socket. Later workers must not, since it may have been withdrawn.
    if worker.age <= workers:
        for address in bind:
            slot.publish(address)


def worker_exit(server: Any, worker: Any) -> None:
    """Close the pool here: a thread that hangs would keep the interpreter's exit from reaching it."""
    from django.apps import apps
    from django.db import connections

    if apps.ready:
        for connection in connections.all():
            connection.close()
            connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's, whichever engine
    # Or Python would look for garbage among all objects of the site as it ends, for a third of a second.
    gc.freeze()


def child_exit(server: Any, worker: Any) -> None:
    multiproc_metrics.drop_gauges(worker.slot)


def on_exit(server: Any) -> None:
    for address in bind:
        slot.withdraw(address)
    shutil.rmtree(os.environ[multiproc_metrics.FOLDER], ignore_errors=True)
