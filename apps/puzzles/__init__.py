"""Proof of work: what a form can ask of a browser before it is taken, without a third party.

A form that asks carries a *puzzle*: a random number, its purpose and its time, signed. A Web Worker
(`static/puzzle-worker.js`) looks for eight numbers, each of which makes a PBKDF2 hash begin with six zero
bits: about 512 hashes of 2,000 rounds, while the visitor types. Checking takes eight.

    page: "sign-up.9f3c…:time:signature"  ─▶  worker: "17.203.4.…"  ─▶  form: both  ─▶  8 hashes, spent

Read in this order: `puzzle.py`, `spending.py`, `forms.py`, `static/puzzle.js`.

Without script, or over plain HTTP, where browsers have no hashes, a form is taken once its puzzle is
`WAIT_SECONDS` old, and from a network only as often as the limit "puzzle_wait" allows: one puzzle costs a
waiting robot nothing, so their number is bounded instead.

Why PBKDF2: browsers have it in machine code, so a program of one's own is hardly faster than a phone. Why
eight small searches, not a large one: the time they take varies less. It does not stop somebody who pays for
computers: it raises the price of each form.

Invariant
    A puzzle is taken once, for its purpose, at most `LIFETIME` after it was made, however many requests bring
    it at once, with memcached up or down. The same form sent again (a double click) is taken again, twice at
    most.

When it fails
    Spent puzzles are in PostgreSQL (`CACHES["default"]`): without it nothing is taken, which a form answers
    by its own 503. A crash of PostgreSQL empties that table: puzzles of the last half hour can be used again.

How to measure
    On a busy machine of two cores Chromium took 0.2 to 1.8 seconds for a puzzle, 0.6 on average; no phone was
    measured. Checking a solution takes 5 ms, a wrong one 1 ms.
    ``pytest apps/puzzles``: eight forms with one puzzle at once, memcached down, Chromium with and without
    script.

Pages with a puzzle are private: they have a CSRF token, and no cache stores them.
"""
