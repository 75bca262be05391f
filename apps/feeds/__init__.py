"""Timelines: one ``.sql`` file each, shaped to its index; depth does not change a page's cost.

In one minute: a query reads the ids of a page's kwips, and the viewer's marks on them, by a timeline's file;
their cards come from the cache or from a second query. The home timeline (the network) has two query plans
with identical results, and for dormant followees a cached first page.

    page ─► queries.network ─► more than 200 followees?
              ├─ yes ─► page 1 kept? ─► kept ids and newer kwips: exact? ─► done
              │    └──► plan 1: window, everyone's newest 2,000 ─► page full? ─► done
              └─ no, or not full ─► plan 2: person by person ─► ids ─► cards

Read in this order: ``sql/everyone.sql``, ``sql/network_window.sql``, ``sql/network_people.sql``,
`first_pages.py`, `statements.py`, `queries.py`, `unseen.py`. Loading: `apps.statements`.

Problem (2008)
    Kwippy's templates ran a query for each kwip. The ORM's query for a home timeline is `IN` over the
    followees: fast if they write often, a thousand times slower if they stopped, because PostgreSQL scans
    everyone's kwips. Fan-out on write reads fast and costs a row for each follower of each kwip.

Mechanism
    - Plan 1, above 200 followees: of everyone's newest 2,000 kwips below the cursor, those of the network.
    - Plan 2, otherwise: the newest kwip of each followee, then the kwips of the n people with the newest of
      these; a page of n kwips has no other authors (the threshold algorithm of Fagin, Lotem and Naor, 2001).
    - A first page that plan 1 does not fill is kept: its ids and newer kwips are the page. One statement
      checks them, and whether an older kwip became visible (`first_pages`).
    - Visibility, blocks and mutes are inside each, before LIMIT.
    - Pages go by `apps.keyset`; counters are columns. `unseen` counts new kwips and never moves the page.

Switch
    ``NETWORK_FIRST_PAGES``; ``PREPARED_STATEMENTS`` (`apps.statements`); the thresholds in `queries` and
    `first_pages`.

Invariant
    A timeline returns what the naive query returns: each kwip of the network that the viewer may see, and
    the viewer's own, without comments, once, newest first. Paging shows every kwip that exists
    throughout. By activity (``?sort=active``) a commented kwip moves and may be repeated or missed.
    Tests: `test_timelines.py`, `test_first_page_interleavings.py`, `test_plans.py`.

When it fails
    Worst case: dormant followees without a kept page, one index lookup each. A long transaction delays
    floors, and page 1 is read by the plans. After SQL that restores kwips or inserts ids below the newest, a
    kept page may miss them for 300 seconds. A bad cursor is a 404. Kwips of deactivated people are read
    and filtered. After outdated statistics: ``ANALYZE``.

How to measure
    ``make bench SUBJECT=timelines``; ``manage.py explainfeeds [--viewer NAME] [--only FILE]``.
"""
