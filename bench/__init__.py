"""Benchmarks of the optimizations: `make bench SUBJECT=timelines`, or `make bench LIST=1` for the list.

Each package here but `lib` is a subject. It runs several ways of doing the same thing (the rivals) in
turns, round by round, so that a slow moment of the machine affects all of them alike. A figure is the
median over the rounds of one rival's time over another's.

`ladder` measures the five together, on and off, on whole pages; the others measure one part each.
`docs/results/README.md` has all that was published (`python -m bench --tables` writes it again).

Read in this order: `lib/measure.py` (how rivals are timed), `lib/processes.py` (what they cost, on which
cores), `lib/servers.py` (the site as it is deployed), `lib/community.py` (the data), a subject's
`__init__.py`. Each run writes `results/SUBJECT.json`, with the machine and the Python that it is of;
`--publish` writes `docs/results/SUBJECT.json`, to which a test holds the documentation.
"""
