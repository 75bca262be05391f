"""A command queue in PostgreSQL, with a mail backend, a Tasks backend and a worker.

In one minute: ``send_mail`` and ``task.enqueue`` insert a row in the caller's transaction. A worker claims
rows under a lease, sends or runs them outside any transaction, and settles them. If it is killed, its leases
end and another worker continues.

::

    request ──INSERT──▶ waiting ──claim──▶ leased ──settle──▶ done
                           ▲                 │ └──settle──▶ dead letter
                           └─ retry or reap ─┘

Read in this order: models.py, core/thread.py, core/store.py with core/sql/, core/worker.py, mail/backend.py,
tasks/backend.py, core/batch.py, core/horizon.py, core/housekeeping.py.

Problem (2008)
    Mail was sent inside the request: a dead SMTP server lost the form. Two daemons sent everything twice.

Mechanism
    - A transactional outbox. A message is rendered once: all attempts have the same Message-ID.
    - *Claim*: ``FOR UPDATE SKIP LOCKED`` in one short statement sets lease and token for a batch. It begins
      at the oldest: while pg_dump holds a snapshot, dead entries stay in the index.
    - *Renew*: before each command its lease is renewed by token, which counts the attempt; a worker that lost
      the lease skips it. The same round trip settles what was done before (settle_and_renew.sql). *Batched*
      tasks (an option: short, may run twice) start with their claim and are settled with the next.
    - *Settle*: by token. 4xx and lost connections are retried with exponential backoff and full jitter until
      ``expires_at``; 5xx makes a dead letter.
    - *Reap*: twice a second each housekeeper makes commands whose lease has ended wait again.
    - *Control*: operators pause a queue or set its pace in the admin.
    - A message may take 3/4 of its lease; then its socket is shut down.
    - *Hooks* (mail/hooks.py): the site can discard a message, and hear the server.

Switch
    The BACKENDs of ``MAILERS`` and ``TASKS``. With Django's SMTP and immediate backends, without these
    OPTIONS, the request sends mail and runs tasks.

Invariant
    Every committed command is done or visibly dead. A fault makes at most one duplicate for each command in
    hand: one a thread (of batched tasks a batch). Three lost attempts in a row make a dead letter. Bodies
    are erased when sent or expired, secret ones with the last attempt.

When it fails
    SMTP down: mail waits. Worker killed: commands continue when the lease ends (60 s; started tasks:
    ``time_limit``). PostgreSQL down: enqueueing raises; workers repeat their settling until the lease ends.
    No worker: ``manage.py queue status`` shows it. A task beyond its ``time_limit`` is started again, and its
    row has its stack: tasks must be idempotent.

How to measure
    ``make bench``. Off is mail within the request: at 500 ms, contact is
    [22.6](docs/results/ladder.json "contact_mail_slow_whole_times_as_fast_as_without_commandqueue") times as
    fast. With SMTP down:
    [1.0](docs/results/ladder.json "contact_mail_dead_times_as_long_as_fast") times as long.
"""

__all__ = ["PermanentFailure"]


class PermanentFailure(Exception):
    """A task raises this when a retry would fail too: its command becomes a dead letter at once."""
