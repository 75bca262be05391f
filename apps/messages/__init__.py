"""Messages and buzzes: what one person sends to another person alone.

    send ─▶ sql/lock.sql    both sides of the conversation, in the order of their owners
         ─▶ sql/reach.sql   may the sender write to the recipient?
         ─▶ sql/send.sql    a copy for each of the two
         ─▶ events.messaged    kind "message" of `apps.notifications`

- *Who may write*: you can write to people who follow you and take messages, and answer those who wrote to
  you, until they delete the conversation. A block forbids both. `queries.Reach` is the rule.
- *Two copies*: each person has a copy of a message and deletes it alone. No table here has a foreign key to
  a kwip, and no timeline reads these tables.
- *Sides*: a person's side of a conversation has its newest message and whether it is unread. All writes of
  a conversation lock its sides, so ids are in the order of commits, a form that is sent twice is one
  message, and deleting removes only what the page showed.
- *The unread mark* is part of the cached user (`accounts.viewer`).
- *Bounds*: `TEXT_LIMIT` characters, `KEPT` messages of a conversation, `MOST` conversations of a person, the
  limits "message" and "conversation". The oldest are deleted.
- *Private*: a text is in the tables, in a report to the operators, and nowhere else: no log, no mail, no
  notice, no command.
- *A buzz* is a message without words: to a person who follows you and has been silent for two days, once a
  day. One statement decides it.

Read in this order: ``models.py``, ``queries.py``, ``sql/reach.sql``, ``actions.py``, ``sql/send.sql``.
"""
