"""Demo data: `manage.py populate` generates a community of any size.

`scenes/*.txt` have the texts: openings, and comments that fit them. `grammar` parses them; `people` generates
people, `network` follows, `clock` times, `talk` texts; `simulation` runs the events in order of time;
`bulk_copy` loads the rows.

Every random choice derives from the seed: the same seed, sizes and end time generate the same rows. The
production image excludes this app, unless it is built with `--build-arg DEMO=yes`.
"""
