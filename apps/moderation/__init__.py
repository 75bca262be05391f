"""Reports, the moderators' queue, what moderators do, and the audit log.

    report, held kwip, appeal ─▶ Case, one open case a thing ─▶ /moderation/, oldest first
    actions.act ─▶ effect (hide, limit, suspend …) ┐
                ─▶ Action, a row of the audit log   ├ one transaction
                ─▶ mail, notices, case closed       ┘

- *Cases*: what is reported, waits (`kwips.holding`) or is appealed is a case. It has a copy of the text as of
  then; so has each report. A reporter has one report in an open case.
- *Roles* (`roles.py`): the groups "moderators" and "operators". Moderators act on members, operators on all
  but themselves. `manage.py suspend`, `restore` and `silence` act on all, as "command line".
- *A second factor* (`factor_duty.py`): days after a role was given, its pages close to people without one.
- *The audit log* (`models.Action`) is append-only at the database: see `migrations/0001_initial.py`. So it
  has ids of people, and no names (`erasing.nameless`). All else goes with the account (`erasing.py`).
- *Warnings*: the mark `has_warning` of the cached user; `middleware.py` shows the warning before any page.
- *Appeals*: one an action, within `APPEAL_DAYS`, by a signed link; another moderator answers if there is one.
- *Private*: a message is in its report; moderators read no other message.

Read in this order: ``models.py``, ``roles.py``, ``effects.py``, ``actions.py``, ``queries.py``, ``views.py``.
"""
