-- When the oldest waiting command of a queue became due, of those due at ``since`` or later; but at the latest a
-- second ago: a command that commits late can still appear before now. The claims that follow begin there
-- (core/horizon.py). The first look (``since`` is NULL) reads the entries of all dead rows too, later ones those
-- above ``since``; one command is read for each priority.
-- index: commandqueue_due (lane, priority DESC, due_at, id)
-- types: queue_name text, since timestamptz
WITH RECURSIVE head AS (
    (
        SELECT priority, due_at
        FROM commandqueue_command
        WHERE state = 'waiting'
          AND lane = %(queue_name)s
          AND due_at >= coalesce(%(since)s::timestamptz, '-infinity')
        ORDER BY priority DESC, due_at, id
        LIMIT 1
    )
    UNION ALL
    SELECT following.priority, following.due_at
    FROM head
    CROSS JOIN LATERAL (
        SELECT priority, due_at
        FROM commandqueue_command
        WHERE state = 'waiting'
          AND lane = %(queue_name)s
          AND priority < head.priority
          AND due_at >= coalesce(%(since)s::timestamptz, '-infinity')
        ORDER BY priority DESC, due_at, id
        LIMIT 1
    ) AS following
)
SELECT least(min(due_at), statement_timestamp() - interval '1 second') FROM head
