"""Timelines: SQL shaped to the tables, a file each, flat at any size.

Problem (2008)
    Kwippy pasted conditions into ``.extra(where=[…])``, some of them injectable, and its templates asked
    again for every kwip. The ORM's own answer to "what do those I follow write" is an `IN` over the
    followees: fast where these write a lot, and a thousand times slower where they fell silent, since
    PostgreSQL then walks through what everybody else wrote. A table of timelines filled on every write is
    fast to read, and costs a row for every follower of every kwip.

Mechanism
    One ``.sql`` file a timeline in ``sql/``; its first lines name the index that serves it, and the
    models' migrations make just these. A page is two queries: its ids (with the versions that cards will
    be kept by), then the cards of these. Pages go by `apps.keyset`: no COUNT, no OFFSET; counters are
    columns.

    - `statements` fills in the fragments, most of all *the* visibility predicate
      (`apps.kwips.visibility`), turns a file around for the page before, and has each connection prepare
      it once: planning took longer than running.
    - The network has two plans that find the same. Of somebody who follows more than 200 people, first a
      *window*: out of everyone's newest 2,000 kwips below the cursor, those of the network; if they fill
      the page, they are the page. Else, and for everybody who follows fewer, *person by person*: each
      one's newest kwip, then the kwips of the n people with the newest of these; a page of n can come
      from no others (the threshold idea of Fagin, Lotem and Naor, "Optimal aggregation algorithms for
      middleware", 2001). Mutes and blocks stand inside both, before LIMIT.
    - `news` counts what is new since a page was shown, and never moves it.

Switch
    ``PREPARED_STATEMENTS``: off behind a PgBouncer in transaction mode. The window's size and the number
    of followees from which it is tried are `queries.WINDOW` and `queries.FEW_FOLLOWEES`.

Invariant
    A timeline shows what the slow and obvious query shows: every kwip of the network that the viewer may
    see, their own too, comments left out, once, by id from new to old. Walking through pages shows
    whatever was there throughout, however much is published and deleted meanwhile. By activity
    (``?sort=active``) a kwip that is commented on moves, and may be met again or be missed; nothing else
    may. `tests/test_timelines.py` holds this over random communities, in both directions;
    `tests/test_plans.py` holds each plan to its index.

When it fails
    A window that is not filled costs its own time on top: a millisecond or three. The worst page is the first
    one of a member who follows thousands of people who all fell silent: the time of one look into the index
    for each of them. A bad cursor is a 404. Kwips of a person who is switched off are read and left out: of
    5,000 in a row 5 to 13 ms, until they are removed. Statistics that are far off can lead PostgreSQL to
    another plan: ``manage.py explainfeeds`` shows it, ``ANALYZE`` mends it.

How to measure
    ``python -m bench timelines``; ``manage.py explainfeeds [--viewer NAME] [--only FILE]``.
"""
