"""What operators decide while the site runs: who may sign up and from where, the announcement, the greeting.

One row, which the admin edits, and its cached copy. A change takes effect with its commit: the cache entry
and, for the announcement, the public pages are invalidated. No restart is needed.

`queries.current` reads the policy. A member's request reads it in the round trip that reads the user
(`apps.accounts.backends`). `blocked` reads the blocked e-mail domains and networks, which are one more entry.
"""
