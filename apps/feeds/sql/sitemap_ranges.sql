-- Which ranges of %(size)s ids have rows of {table} in them that {among} lets through:
-- one look into the index for each, and no COUNT.
-- Served by kwip_everyone_by_id (id DESC) and by the primary key of accounts_user.
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
