"""A command queue in PostgreSQL, with a mail backend, a Tasks backend and a worker.

In one minute: ``send_mail`` and ``task.enqueue`` insert a row in the caller's transaction. A worker claims
rows under a lease, sends or runs them outside any transaction, and settles them. If it is killed, the leases
end and another worker continues: nothing is lost, and at most the message in hand is sent twice.

::

    request ──INSERT──▶ waiting ──claim──▶ leased ──settle──▶ done
                           ▲                 │ └──settle──▶ dead letter
                           └─ retry or reap ─┘

Read in this order: models.py, core/worker.py, core/store.py with core/sql/, mail/backend.py,
mail/delivery.py, tasks/backend.py, core/housekeeping.py.

Problem (2008)
    Mail was sent inside the request: a slow SMTP server made pages slow, a dead one lost the form. The daemon
    that came after left commands RUNNING for ever when it died, and two daemons sent everything twice.

Mechanism
    - A transactional outbox: a rollback enqueues nothing, a commit is carried out at least once. A message is
      rendered once, so all attempts have one Message-ID.
    - *Claim*: ``FOR UPDATE SKIP LOCKED`` in one short statement sets lease and token for a batch.
    - *Renew*: before each command its lease is renewed by token, which counts the attempt. A worker that lost
      its lease skips the command. Counting at the claim would charge a whole batch for one command that
      crashes its worker. The same round trip settles the message sent before: settle_and_renew.sql.
    - *Settle*: by token. 4xx and broken connections are retried with exponential backoff and full jitter
      until ``expires_at``; 5xx is a dead letter, for each recipient apart. If the server can't be used at
      all, mail pauses and no message fails.
    - *Reap*: each worker's housekeeper, twice a second, makes commands whose lease has ended wait again.
    - A message may take 3/4 of its lease, then another thread shuts its socket down.
    - Workers poll every 0.25 to 0.5 s, as NOTIFY would serialize commits. A waiting thread holds no
      connection.

Switch
    The BACKENDs of ``MAILERS`` (Django 6.1) and ``TASKS``. Django's SMTP and immediate backends, without our
    OPTIONS, send and run inside the request. `set_queue_options` has no effect then.

Invariant
    Every committed command is done or visibly dead. Each fault duplicates at most one message a thread, with
    the same Message-ID. A recipient that was reached is not sent to again. Three lost attempts in a row make
    a dead letter. Bodies are erased when sent or expired; a secret one with its last attempt.

When it fails
    SMTP down: mail waits, requests are not affected. Worker killed: its commands continue after the lease, 60
    s; a message whose acceptance was not yet settled is sent again. PostgreSQL down: enqueueing raises;
    workers retry their settling until the lease ends. No worker: `manage.py queue status`,
    ``commandqueue_oldest_seconds``, ``commandqueue_stuck`` and the worker's ``/readyz`` show it. A task that
    exceeds ``time_limit`` is started again: tasks must be idempotent.

How to measure
    ``python -m bench commandqueue``; ``make torture`` injects each fault a hundred times.
"""

__all__ = ["PermanentFailure"]


class PermanentFailure(Exception):
    """A task raises this when a retry would fail too: its command becomes a dead letter at once."""
