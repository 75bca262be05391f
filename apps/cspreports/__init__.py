"""Reports of browsers that the content security policy stopped something on a page.

    browser ──POST /csp-reports/──▶ views: size, type, limits ──▶ parsing ──▶ one row of a kind, counted
                                       413, 415, 429              400         (directive, blocked host, page)

Read in this order: `parsing.py`, `actions.py`, `views.py`, `admin.py`.

The address takes what anyone sends, without a session or a token: browsers send no token. So nothing is kept
but counts. A row has a directive of the standard, a host or a word such as "inline", and the route of a page
("<person:username>/"), never its address, and nothing about the sender. There are at most `MOST` kinds; what
comes beyond them counts as "others". A kind without a report for `DAYS` days goes when a new one comes. A
report writes no line of its own to the log.

Most reports are about extensions of browsers; those are one kind. What is left is a fault of a page, or
an attack: `deploy/status` has the figure, and `/admin/` the list.

Limits (`LIMITS`): "csp_report" for a network, "csp_reports" for all together. Without PostgreSQL nothing is
counted.
"""
