"""Post by mail: a mail becomes a kwip, or a comment that answers a notice.

    mail server ─▶ manage.py receivemail ─┐
                                          ├─▶ receiving.receive ─▶ kwips.composing ─▶ kwip, comment
    mailbox ─▶ fetching (IMAP) ───────────┘         └─▶ one mail a day that says why not

- *Two kinds of addresses* (`addresses.py`). The secret one of a person is random, renewable and stored as a
  hash: it is the credential for kwips, and From is not read. The reply address of a notice's mail
  is signed, for one person and one conversation, and ends; the mail must also be from the account's address.
- *Only what a person wrote* (`automatic.py`): no lists, bounces and answering machines.
- *Once* (`receiving.py`): the Message-ID is the form's key, and is recorded after the commit. A mail that
  comes again, or that a killed process had published, publishes nothing.
- *The checks of the page*: the same forms, limits, blocks and visibility, by `kwips.composing`.
- *No backscatter*: nothing goes to the address in From, and mail servers get no refusal to bounce. A member
  hears of their own mail, at the address of the account, once a day.
- *The text* (`texts.py`, `flowed.py`, `markup.py`, `quotes.py`): plain text before HTML, without signatures
  and, in an answer, without quotes.
- *Bounds* (`parsing.py`): 10 MiB, 200,000 lines, 50 parts, 4,000 characters of a header; 60 mails an hour of
  a person. A fetch reads 50 mails, for a minute at most.

When it fails
    PostgreSQL down: the mail server keeps the mail (exit code 75), the mailbox too. The mailbox unreachable:
    a line in the log, the next turn tries again. A mail that our code fails on: exit code 75, or flagged in
    the mailbox; the log has the error.

Read in this order: ``addresses.py``, ``receiving.py``, ``parsing.py``, ``texts.py``, ``quotes.py``,
``fetching.py``.
"""
