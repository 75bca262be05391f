"""The security log: who signed in, what was refused, and who changed what, for 90 days.

In one minute: `record` writes one row of an append-only table, and one line of the JSON log.

    record(Event.SIGN_IN_FAILED, request=request, login="ann@example.org", user_id=7)
      ─▶ securitylog_entry: event, person, network 192.0.2.…, firefox, linux, keyed hash of the login, times
      ─▶ JSON log: the same, with the request's id

Read in this order: ``event.py``, ``recording.py``, ``forbidden.py``, ``models.py``,
``migrations/0001_security_log.py``.

Mechanism
    - *In the caller's transaction*, where there is one: what is undone is not in the log. Else one INSERT.
    - *No addresses*: of a client the network that the list of devices shows (an IPv4 /24, an IPv6 /48), its
      browser and system by name; of a login, typed or stored, a keyed hash (`hashing.keyed`). A /24 tells
      home from elsewhere, and joins the tries of one attacker; it names no household.
    - *Append-only*: a trigger refuses every change but a higher `times`, and every deletion before 90 days.
    - *Bounded*: what can be repeated is collapsed, one row a minute for the same event, person, login and
      client, with a count (`event.COLLAPSED`). What needs no password, or is refused, has for each event an
      allowance a process, of which one network gets a fifth, as does a person who is refused
      (`allowance.py`): beyond it a person's row has no client, then one row a minute counts the rest. A row
      of refusals counts to 50 a minute and process.
    - *What was refused* to signed-in people and tokens, for want of a right: a middleware records each 403,
      and what the code hides by a 404 and knows of (`forbidden.py`).

Invariant
    No row is changed or deleted before its 90 days are over, other than its count. No row has an address of
    a person, of a client, or a secret. A flood adds a bounded number of rows a day.

When it fails
    PostgreSQL is down: the line is in the JSON log, and the error is the caller's, whose own statements fail
    too. With a new SECRET_KEY, former hashes are found while the old key is in SECRET_KEY_FALLBACKS.
"""

from apps.securitylog.event import Event
from apps.securitylog.hashing import keyed
from apps.securitylog.recording import record

__all__ = ["Event", "keyed", "record"]
