"""Pictures that people upload: decoded in a process of their own, stored in three sizes, deleted for good.

    upload ──▶ waits a day ──use──▶ in use ──release──▶ deleted

- `actions`: upload, use, release, keep, describe. `queries.waiting` reads what waits.
- `files.urls(picture)`: the addresses of thumb (400 px), list (800) and full (2048).
"""
