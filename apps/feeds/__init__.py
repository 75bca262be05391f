"""Timelines: one ``.sql`` file each, shaped to its index; depth does not change a page's cost.

In one minute: a query reads the ids of a page's kwips by a timeline's file; their cards come from the cache
or from a second query. The home timeline (the network) has two query plans with identical results, for
viewers who follow few and many people.

    page ─► queries.network ─► more than 200 followees?
              ├─ yes ─► plan 1: window, everyone's newest 2,000 ─► page full? ─► done
              └─ no, or page not full ─► plan 2: person by person ─► ids ─► cards

Read in this order: ``sql/everyone.sql``, ``sql/network_window.sql``, ``sql/network_people.sql``,
`statements.py`, `queries.py`, `unseen.py`. How files are loaded and prepared: `apps.statements`.

Problem (2008)
    Kwippy's templates ran a query for each kwip. The ORM's query for a home timeline is `IN` over the
    followees: fast if they write often, a thousand times slower if they stopped, because PostgreSQL scans
    everyone's kwips. Fan-out on write reads fast and costs a row for each follower of each kwip.

Mechanism
    - Plan 1, for viewers who follow more than 200 people: of everyone's newest 2,000 kwips below the
      cursor, those of the network. If they fill the page, they are the page.
    - Plan 2, otherwise: the newest kwip of each followee, then the kwips of the n people with the newest of
      these; a page of n kwips has no other authors (the threshold algorithm of Fagin, Lotem and Naor, 2001).
    - Visibility, blocks and mutes are inside both plans, before LIMIT.
    - Pages go by `apps.keyset`; counters are columns. `unseen` counts new kwips and never moves the page.

Switch
    ``PREPARED_STATEMENTS`` (`apps.statements`). The thresholds are `queries.WINDOW` and
    `queries.FEW_FOLLOWEES`.

Invariant
    A timeline returns what the naive query returns: each kwip of the network that the viewer may see, and
    the viewer's own, without comments, once, newest first. Paging shows every kwip that exists
    throughout. By activity (``?sort=active``) a commented kwip moves and may be repeated or missed.
    `tests/test_timelines.py` holds this over random communities in both directions; `tests/test_plans.py`
    holds each plan to its index.

When it fails
    A window that does not fill the page adds one to three milliseconds. Worst case: page 1 of a member
    whose thousands of followees all stopped writing, one index lookup each. A bad cursor is a 404. Kwips of
    deactivated people are read and filtered: 5,000 in a row cost 5 to 13 ms. Outdated statistics can change
    a plan: ``explainfeeds`` shows it, ``ANALYZE`` mends it.

How to measure
    ``make bench SUBJECT=timelines``; ``manage.py explainfeeds [--viewer NAME] [--only FILE]``.
"""
