-- Stores a bookmark, unless %(person)s has %(most)s. Returns whether it is one now; no row if the kwip is deleted. The
-- caller holds the lock of the person's row.
-- index: kwips_kwip_pkey (id), bookmark_once (user_id, kwip_id), bookmark_person (user_id, id DESC)
WITH made AS (
    INSERT INTO kwips_bookmark (user_id, kwip_id)
    SELECT %(person)s, k.id
    FROM kwips_kwip k
    WHERE k.id = %(kwip)s
      AND (
        SELECT count(*)
        FROM (SELECT FROM kwips_bookmark b WHERE b.user_id = %(person)s LIMIT %(most)s) counted
      ) < %(most)s
    ON CONFLICT DO NOTHING
    RETURNING id
)
SELECT
    EXISTS (SELECT FROM made)
    OR EXISTS (SELECT FROM kwips_bookmark b WHERE b.user_id = %(person)s AND b.kwip_id = k.id)
FROM kwips_kwip k
WHERE k.id = %(kwip)s
