-- The ranges of %(size)s ids that have rows of {table} for which {among} holds: one index lookup for each
-- range, no COUNT.
-- index: kwip_everyone_by_id (id DESC), accounts_user_pkey (id)
WITH RECURSIVE ranges (number) AS (
    (SELECT k.id / %(size)s FROM {table} k WHERE {among} ORDER BY k.id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT k.id / %(size)s
        FROM {table} k
        WHERE {among} AND k.id >= (ranges.number + 1) * %(size)s
        ORDER BY k.id
        LIMIT 1
    )
    FROM ranges
    WHERE ranges.number IS NOT NULL
)
SELECT number FROM ranges WHERE number IS NOT NULL LIMIT %(most)s
