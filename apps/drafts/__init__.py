"""Drafts: what a person has written and not published yet, and when it is to be published.

    composer ── save ──▶ Draft ── schedule ──▶ a command in the queue, due at ``publish_at``
                          │                        │
        publish, delete ◀─┘      kwip, no draft ◀──┴──▶ a draft again, with the reason

- *Fields*: a draft has the composer's fields by name, as they were typed. It knows none of them but the text,
  so a field that the composer gets is kept by itself. Bounds: `fields.MOST_BYTES`, `actions.MOST` drafts of a
  person, the limits "draft" and "schedule".
- *One draft a composer*: the form key identifies both. The script sends the form while one types, and the
  buttons send it without a script.
- *Versions*: a form says which version it continues. Where the draft is another version by now, what is sent
  becomes a draft of its own, unless it only adds to the words that are kept. So two tabs or two devices never
  overwrite each other's words.
- *Published*: the transaction that publishes the form deletes its draft (`kwips.events.published`); a draft
  that was changed elsewhere meanwhile stays.
- *Scheduled*: the command locks the person, then the draft, and compares ``publish_at``. What was changed or
  cancelled is not published. The kwip is inserted and the draft deleted in that one transaction, so two
  workers, or one that is killed, publish once. `publishing.enqueue_overdue` enqueues again what a lost
  command left behind.
- *Limits* count when it is published. What they refuse, an invalid form, and a person who is switched off by
  then make it a draft again, with the reason in the list and a mail.
- *Time zones*: date and time are those of the person's zone. A time that a change of clocks skips is refused;
  of an hour that comes twice it is the first.
- *Private*: only its owner sees a draft. It is in the archive, and goes with the account.

Read in this order: ``models.py``, ``fields.py``, ``actions.py``, ``moments.py``, ``publishing.py``.
"""
