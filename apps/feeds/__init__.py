"""Timelines: one ``.sql`` file each, shaped to its index; depth does not change a page's cost.

In one minute: a query reads the ids of a page's kwips, and the viewer's marks on them; their cards come from
the cache or a second query. The home timeline (the network) has two query plans with identical results, and
for dormant followees a cached first page.

    page ─► queries.network ─► more than 200 followees?
              ├─ yes ─► page 1 kept? ─► kept ids and newer kwips: exact? ─► done
              │    └──► plan 1: window, everyone's newest 2,000 ─► page full? ─► done
              └─ no, or not full ─► plan 2: person by person ─► ids ─► cards

Read in this order: ``sql/everyone.sql``, ``sql/network_window.sql``, ``sql/network_people.sql``,
``sql/shared.sql``, `first_pages.py`, `statements.py`, `queries.py`, `unseen.py`.

Problem (2008)
    Templates ran a query for each kwip. The ORM's query for a network is `IN` over the followees: slow if
    they stopped writing. Fan-out on write costs a row a follower and kwip.

Mechanism
    - Plan 1, above 200 followees: of everyone's newest 2,000 kwips, those of the network.
    - Plan 2, otherwise: the newest kwip of each followee, then the kwips of the n people with the newest of
      these; a page of n has no other authors (threshold algorithm).
    - Shares have ids of the kwips' sequence: plan 1 merges them, plan 2 reads those near the page's kwips.
    - A first page that plan 1 does not fill is kept: its ids and newer kwips are the page. One statement
      checks them, and whether an older kwip became visible (`first_pages`).
    - Visibility, blocks, mutes are inside each, before LIMIT.
    - Pages go by `apps.keyset`. `unseen` counts new kwips.

Switch
    ``NETWORK_FIRST_PAGES``; ``PREPARED_STATEMENTS`` (`apps.statements`); the thresholds in `queries` and
    `first_pages`.

Invariant
    A timeline returns what the naive query returns: of the network each kwip that the viewer may see, and
    their own, newest first, without comments. What these people share is there once, where the viewer
    could have seen it first. Paging shows every entry that exists throughout. By activity there are no
    shares; a walk shows no kwip twice, and leaves out what was commented since.

When it fails
    Worst case: dormant followees without a kept page, two index lookups each. Who silences words has no
    kept page. After SQL that restores kwips or inserts ids below the newest, a kept page may miss them
    for 300 seconds. A walk may miss a comment whose
    transaction took 10 seconds.

How to measure
    ``make bench SUBJECT=timelines``, ``manage.py explainfeeds``. Off is the ORM with `Paginator`
    (``bench/timelines/rivals.py``): a page of 100 active followees is
    [128](docs/results/timelines.json "network_page_times_as_fast_as_orm") times as fast here; in the ladder
    5,000 dormant
    [24.9](docs/results/ladder.json "network_5000_dormant_whole_times_as_fast_as_without_sql") times.
"""
