"""An invented community, for the demo and for trying the site at size. `manage.py populate` moves it in.

`scenes/*.txt` hold what people say: openings, and the comments that fit them. `grammar` reads them,
`people` invents who says it, `network` who follows whom, `clock` when, `talk` picks the words and `life`
lets it all happen in the order of time. `tables` and `house` bring the rows into PostgreSQL through COPY.

Everything is drawn from dice made from the seed, so that the same seed, size and end of time make the same
people, ids, words and times.
"""
