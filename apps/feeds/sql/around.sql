-- The people who wrote last, by the newest %(window)s kwips that everyone may see: candidates for `side.sql`.
-- index: kwip_everyone_by_id (id DESC), user_limited (id)
SELECT newest.author_id
FROM (
    SELECT k.id, k.author_id
    FROM kwips_kwip k
    WHERE k.thread_id IS NULL
      AND ({visible})
      AND {unlimited}
    ORDER BY k.id DESC
    LIMIT %(window)s
) newest
GROUP BY newest.author_id
ORDER BY max(newest.id) DESC
LIMIT %(limit)s
