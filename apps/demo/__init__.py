"""An invented community, for the demo and for trying the site at size. `manage.py populate` moves it in.

`scenes/*.txt` hold what people say: openings, and the comments that fit them. `grammar` reads them,
`people` invents who says it, `network` who follows whom, `clock` when, `talk` picks the words and
`simulation` lets it all happen in the order of time. `tables` and `bulk_copy` bring the rows into PostgreSQL
through COPY.

Every random choice derives from the seed: the same seed, size and end of time make the same people, ids,
words and times. The production image leaves this app out (`--build-arg DEMO=yes` keeps it).
"""
