"""Notices on the site, and how a kind of notice is added.

    event ─▶ registry.Kind ─▶ actions.notify ─▶ notify.sql ──┐
    new kwip or comment ─▶ its own statement, with due.sql ──┼─▶ events.notified ─▶ unread mark, channels
    more than ten notices ─▶ a command ─▶ commented.sql ─────┘

- *A kind is one row* (`kinds.py`; kinds of sibling apps in ``kwippy/wiring.py``): name, event, recipients,
  place, default channel, and a template with its words.
- *New kwips and comments* write their notices in the statement that stores them, so these cost no message
  (`statements.join_new_kwips`, `kwips.counted.add`). Only more than ten notices, or a hundred trackers, are
  left to a command.
- *Once, then silent*: a comment notifies those who track its conversation and have no waiting notice of it.
  A notice waits until its recipient opens the conversation (`kwips.events.visited`). A mention always
  notifies, and then waits too. The rows' locks make it exact (`sql/due.sql`, `sql/visited.sql`).
- *Checked when shown* (`sql/page.sql`): nothing deleted, withheld, taken back or not for the viewer's eyes,
  also if that changed since; the visibility predicate also holds when a mention or comment notifies.
- *The unread mark* is part of the cached user (`accounts.viewer`): one EXISTS, read with the user
  when the cache misses.
- *Channels*: each notice has the one that its recipient chose (`preferences.py`); mail: ``mail/__init__.py``.
- *Bounds*: the newest 500 notices of a person, for `NOTICE_DAYS` days. A sweep may delete a waiting
  notice; then the next comment notifies.

Read in this order: ``registry.py``, ``kinds.py``, ``actions.py``, ``statements.py``, ``sql/due.sql``,
``sql/page.sql``.
"""
