"""Search of kwips, people and tags, in PostgreSQL alone.

In one minute: each kwip has an entry with its words, folded, and with *slices*: lexemes that say which 1,024,
4,096, 16,384 … ids it is among. A search asks the GIN index for the words in the newest slices first, then in
longer ones, until a page is full. So the commonest word reads a thousand ids, and the rarest a few lookups.

    "tea kettle"  ─► 'tea' & 'kettle', and '(bc4' | '(bc3' | …     the newest ids: 21 found?  ─► page
                     'tea' & 'kettle', and ')2f0' | ')2ef' | …     four times as many …
                     'tea' & 'kettle'                              all that are left
                              └─ one statement, which stops at the page ─┘

Read in this order: ``words.py``, ``slices.py``, ``query.py``, ``sql/kwips.sql``, ``queries.py``,
``statements.py``, ``index.py``.

Problem (2008)
    Kwippy had no search. A GIN index has no order: PostgreSQL either reads all matches and sorts them (a
    second for a common word), or reads the newest kwips and compares their words (minutes for a rare one).
    Its statistics choose well between two bad plans.

Mechanism
    - `words`: case, accents and spellings folded in Python, so that no server's locale matters. Scripts
      without spaces (Japanese, Thai …) are indexed by characters and pairs, found as phrases of pairs.
    - Authors, tags and days are lexemes too: ``from:``, ``#tag``, ``before:`` and ``after:`` are as fast.
    - Visibility, blocks, mutes and limited authors are read with the kwip, within the walk, before LIMIT.
    - The statement that stores a kwip stores its entry (`kwips.counted.add`); edits follow by an event,
      deletions by the cascade. ``manage.py searchindex`` indexes what was there before.
    - Names of people and tags are found by trigrams; the exact name and names that begin with it come first.

Switch
    ``SEARCH_INDEX``: False writes no entries of new kwips. ``SEARCH_TIMEOUT_MS``, ``LIMITS["search"]``.

Invariant
    A search returns what a naive reading returns: each kwip and comment that matches and that the viewer may
    see, once, newest first. No page of search is cached, by anything. Tests: `test_kwips.py`,
    `test_any_text.py`, `test_index.py`, `test_page.py`, `test_plans.py`.

When it fails
    A query has at most 200 characters and 32 words, 60 a minute and a second each; then the page says so
    (422). A phrase of common words that never stand together may reach that second; so may a word of many
    kwips that are not for the viewer. Of a text 16,000 words are indexed, and of each word the first 255
    positions, which phrases need. There are no stems: "cup" does not find "cups". After a release that
    changes `words`: ``searchindex --again``.

How to measure
    ``make bench SUBJECT=search``. Off is ``SEARCH_INDEX=0``: publishing takes
    [1.0](docs/results/search.json "write_cost") times the processor time.
"""
