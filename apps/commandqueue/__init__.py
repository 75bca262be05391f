"""The command queue: what a request wants done later is a row in its own transaction, and nothing is lost.

Problem (2008)
    Kwippy sent mail inside the request: a slow SMTP server made pages slow, a dead one made them errors 500
    and lost the form that was to be mailed. So it grew a command queue, "where mail is not sent within the
    application", and a daemon did "the dirty work". Its commands went WAITING, RUNNING, SUCCESS: one whose
    daemon had died was RUNNING for ever, and two daemons sent everything twice.

Mechanism
    One table in PostgreSQL (a transactional outbox): a rolled-back transaction sends nothing, a committed
    one is done at least once. There are two ways in. `mail.QueueEmailBackend` for MAILERS renders a message
    once, fixes its Message-ID, and keeps bytes and envelope apart (bcc is in no header). `tasks.
    QueueTaskBackend` for TASKS keeps Django's tasks, with priorities, ``run_after`` and results.

    The worker (``manage.py runworker``) has threads for each lane: "now" for mail that somebody waits for,
    "default", "bulk".

    - It *claims* due commands with ``FOR UPDATE SKIP LOCKED`` in one short statement that sets a lease and a
      token, and works outside of any transaction.
    - It *renews* the lease by its token before each command, which counts the attempt. Who has lost it
      stops; counted at the claim, one poison command would use up its batch-mates' attempts.
    - A message's deadline is three quarters of its lease. Timeouts of steps do not add up to one, so another
      thread shuts the socket down.
    - It *settles* by the token; with the next renewal that is one round trip.
    - 4xx, broken connections, silence: again, by capped exponential backoff with full jitter, until the
      command's own ``expires_at``. 5xx: a dead letter. Each recipient is answered for alone. A server that
      can't be used at all (no connection, no sign-in) is about no message: mail pauses, nothing dies.
    - It looks for work every 0.25 to 0.5 s. NOTIFY would serialise all commits.
    - Every time is PostgreSQL's.
    - A thread that waits, for work, for a mail server, for a task, holds no connection of a pool.

Switch
    ``MAILERS["default"]["BACKEND"]``, whose OPTIONS name the mailer that really sends, and
    ``TASKS["default"]["BACKEND"]``. With Django's own backends in their place mail is sent in the request
    and tasks run in it; no other line changes. `messages.mark` gives a message a lane, an expiry, or the word
    that it carries a secret. What recurs stands in the OPTIONS of TASKS, "schedule".

Invariant
    Every committed command is done or visibly dead. One fault makes at most one duplicate, with the same
    Message-ID. Recipients who have got a message are not sent it again. A command that kills its worker three
    times running is a dead letter and holds nobody up. A message's body is erased when it is settled; a dead
    letter's when it expires, or at once if it carried a secret, and then it can't be requeued.

When it fails
    SMTP away: mail waits and requests notice nothing. A worker killed: its leases end after a minute and
    others take over; the message in hand may go out twice if its final 250 was on the way. PostgreSQL away:
    workers wait, and write down what went out as soon as it is back; nothing can be enqueued, and whoever
    tries is told so. No worker, or a mail server that refuses: commands wait until they expire, and
    ``commandqueue_oldest_seconds``, ``commandqueue_stuck``, ``manage.py commands status`` (with the reason)
    and the worker's own ``/readyz`` and ``/metrics`` (``runworker --port``) say so. A task that never
    returns: its thread is replaced, its lease (``time_limit``) ends, it is begun anew. Tasks must bear being
    run twice.

How to measure
    ``python -m bench commandqueue``: messages a second beside other queues, the price of enqueueing, the
    time to delivery. ``make torture``: each fault a hundred times. ``manage.py commands status``.
"""

from apps.commandqueue.errors import Never

__all__ = ["Never"]
