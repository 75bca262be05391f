"""People: sign-up and sign-in (django-allauth), user names, profile, settings, pictures, sessions, leaving.

What is deleted of a person who leaves, and when:

    leave ─▶ hidden, sessions ended, way back mailed ─▶ 14 days ─▶ erase_due ─▶ user row, name reserved
               │                                                  (in batches, by the registered erasers)
               └─ come_back: all is as before; a suspension stays

- *At once*: nothing. The person is switched off (`actions.switch_off`), so every page omits them and theirs.
- *After 14 days* (`erasing.erase_due`, every 10 minutes; at once by ``manage.py deleteaccount``): profile and
  picture, kwips with the comments below them, comments, favourites, shares, bookmarks, follows, blocks,
  mutes, tracks, notices of and about the person, sessions, addresses, sign-ups, applications, invitations,
  counts of limits; messages on both sides, since a kept copy would have the person's words; what they wrote
  to the operators; cases, notes, warnings and appeals about them; archives and uploads; mail to them and
  about them that waits, finished tasks, known browsers. Counters of others follow.
- *Stays*: what others wrote in kwips of their own, without links to the person; reports by the person,
  without what they said; what moderators keep about others, and the admin's log, without names (`identity`);
  the id in moderation's audit log, which is append-only; a keyed hash of the user name, for a year; one line
  of the log with the id; for 90 days the security log, with the id and keyed hashes: who takes an account
  over must not be able to erase the traces by deleting it.
- *Expires by itself*: cards and pages in memcached that nothing reads any more (24 hours at most), counts of
  limits by network, others' archives (a day) and results of imports (30 days), log files and backups.

An app that stores more than a plain foreign key to a person registers an eraser (`erasing.register`).

*Sessions* (`sessions.py`) end 14 days after the last visit and 30 days after the sign-in; a visit costs
nothing, but one UPDATE an hour.

*Is it still you?* (`reauthentication.py`): what matters most asks again after 15 minutes. *Lost second
factors* (`factor_resets.py`) are taken off after three days and several mails.

Read in this order: ``models.py``, ``actions.py``, ``leaving.py``, ``erasing.py``, ``erasers.py``.
"""
