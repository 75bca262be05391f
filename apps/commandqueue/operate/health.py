"""A worker's own HTTP server: /livez, /readyz, /metrics.

Not a row that each worker updates: that costs writes, a row says that some worker was alive and not which,
and Prometheus needs an address in any case.
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.db import connection
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from apps.commandqueue.core.worker import Worker
from apps.commandqueue.operate import metrics


def serve(worker: Worker, *, port: int, host: str = "127.0.0.1") -> ThreadingHTTPServer:
    """Start the server on a port (0: any free one); it runs until it is shut down. Raises OSError.

    All but /livez is for ``settings.METRICS_NETWORKS`` alone; loopback if that is not set.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/livez":
                self._answer(200, b"ok\n")
            elif self.path == "/readyz" and self._may_see():
                state = readiness(worker)
                self._answer(200 if state["working"] else 503, json.dumps(state).encode(), "application/json")
            elif self.path == "/metrics" and self._may_see():
                try:
                    body = generate_latest(metrics.WORKER) + generate_latest(metrics.registry())
                finally:
                    connection.close()  # each request has its own thread, and connection
                self._answer(200, body, CONTENT_TYPE_LATEST)
            else:
                self._answer(404, b"/livez /readyz /metrics\n")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

        def _may_see(self) -> bool:
            # A request that a proxy forwarded has the proxy's address.
            return not {"X-Forwarded-For", "Forwarded"} & set(self.headers) and is_allowed(
                self.client_address[0]
            )

        def _answer(self, status: int, body: bytes, content_type: str = "text/plain; charset=utf-8") -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server


def readiness(worker: Worker) -> dict[str, object]:
    """What works. A worker whose mail server refuses is ready: another worker could not send either."""
    state: dict[str, object] = {"working": worker.is_ready(), "mail": True}
    for backend, failing in metrics.failing_mailers().items():
        seconds = round(time.monotonic() - failing.since)
        state["mail"] = False
        state[f"mail {backend}"] = (
            f"{failing.failures} attempts failed in a row, for {seconds} s: {failing.reason}"
        )
    return state


def is_allowed(address: str) -> bool:
    """Whether the address is in one of METRICS_NETWORKS."""
    networks = getattr(settings, "METRICS_NETWORKS", ["127.0.0.0/8", "::1/128"])
    return any(ip_address(address) in ip_network(network, strict=False) for network in networks)
