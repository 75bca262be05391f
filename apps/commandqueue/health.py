"""What watches over a worker asks it directly, on loopback: /livez, /readyz, /metrics.

Over HTTP rather than by a row that the worker stamps: a row says that some worker was alive, not that this
one is; it costs writes; and prometheus wants an address in any case.
"""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from django.db import connection
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from apps.commandqueue import metrics
from apps.commandqueue.worker import Worker


def serve(worker: Worker, *, port: int) -> ThreadingHTTPServer:
    """Answer for a worker on a port of 127.0.0.1 (0: any free one) until it is shut down. Raises OSError."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/livez":
                self._answer(200, b"ok\n")
            elif self.path == "/readyz":
                ready = worker.is_ready()
                self._answer(200 if ready else 503, b"ready\n" if ready else b"not ready\n")
            elif self.path == "/metrics":
                try:
                    body = generate_latest(metrics.WORKER) + generate_latest(metrics.registry())
                finally:
                    connection.close()  # each request is a thread of its own
                self._answer(200, body, CONTENT_TYPE_LATEST)
            else:
                self._answer(404, b"/livez /readyz /metrics\n")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

        def _answer(self, status: int, body: bytes, content_type: str = "text/plain; charset=utf-8") -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
