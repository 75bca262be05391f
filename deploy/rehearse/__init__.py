"""`make rehearse`: the real compose file from nothing to its end, and what the README promises of it.

Needs a Docker engine and the images; of Python the standard library alone. What it makes has names of its own
and is taken away again, however it ends.
"""
