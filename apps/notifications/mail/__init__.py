"""Mail of notices: some at once, the rest in a digest.

    notice, channel "mail" ───▶ command: now.mail_notices ──┐  lock, check, mark as sent, enqueue the message:
    notice, channel "digest" ─▶ schedule: digests.send_due ─┴▶ one transaction ─▶ worker ─▶ mail server
                                                                      still wanted? │            │ answer
                                                                                    └─ hooks.py ◀┘

- *Channel*: the statement that writes a notice stores the channel that its recipient chose. The command of
  mail at once is enqueued in the same transaction; a digest needs no more than the row.
- *Once*: a sender locks the notices of the conversation (`sql/unreturned.sql`) and marks them as sent in the
  transaction that enqueues the message. A worker that is killed before the commit has sent nothing; after it,
  another one finds nothing to do. A conversation that was mailed is silent until the person was back.
- *Checked twice*: when the message is composed, and before each attempt to deliver it. A notice is mailed
  only if the page of notices would show it. The items of a digest are checked once; it expires in 12 hours.
- *Digests* are composed person by person, at their hour in their time zone (`slots.py`).
- *Unsubscribing* (RFC 8058): a signed link, for a conversation, a kind or the digest.
- *Refusals*: after three 5xx answers in a row an address gets no notices, and its owner sees why.

Read in this order: ``now.py``, ``digests.py``, ``mails.py``, ``unsubscribe.py``, ``hooks.py``.
"""
