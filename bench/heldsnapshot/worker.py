"""One worker process: reads seconds, one number a line; works for so long, and prints what it measured."""

import json
import statistics
import sys
import threading
import time
from typing import Any

import django


def main() -> None:
    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from apps.commandqueue.core import store
    from apps.commandqueue.core.worker import Worker
    from apps.commandqueue.operate.metrics import WORKER

    # The queue is measured, not a mail server: this mailer reports success and sends nothing.
    settings.MAILERS["direct"] = {"BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    call_command("migrate", verbosity=0)
    claim, took = store.claim, []

    def timed_claim(**options: Any) -> Any:
        started = time.perf_counter()
        batch = claim(**options)
        took.append((time.perf_counter() - started) * 1000)
        return batch

    store.claim = timed_claim
    print("ready", flush=True)
    for line in sys.stdin:
        took.clear()
        before = settled(WORKER)
        worker = Worker(queues=["default"], threads=2)
        timer = threading.Timer(float(line), worker.stop)
        timer.start()
        worker.run()
        figures = {
            "settled": settled(WORKER) - before,
            "claims": len(took),
            "claim_ms": round(statistics.median(took), 3),
            "claim_p95_ms": round(statistics.quantiles(took, n=20)[-1], 3),
        }
        print(json.dumps(figures), flush=True)


def settled(registry: Any) -> int:
    """Attempts of this process that have succeeded."""
    labels = [{"kind": kind, "queue": "default", "state": "done"} for kind in ("mail", "task")]
    return int(sum(registry.get_sample_value("commandqueue_attempts_total", one) or 0 for one in labels))


if __name__ == "__main__":
    main()
