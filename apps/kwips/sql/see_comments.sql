-- %(user)s, who tracks the conversation of %(kwip)s, saw its comments up to %(comment)s. An author's first row says what
-- held without it: that they track. Waits for no lock of a row: what is locked stays as it is.
-- index: kwips_track_pkey (kwip_id, user_id), kwips_kwip_pkey (id)
WITH seen AS (
    UPDATE kwips_track t
    SET seen_id = %(comment)s, seen_at = now()
    FROM (
        SELECT l.kwip_id, l.user_id
        FROM kwips_track l
        WHERE l.kwip_id = %(kwip)s AND l.user_id = %(user)s
        FOR NO KEY UPDATE SKIP LOCKED
    ) locked
    WHERE t.kwip_id = locked.kwip_id
      AND t.user_id = locked.user_id
      AND t.is_on
      AND (t.seen_id IS NULL OR t.seen_id < %(comment)s)
)
INSERT INTO kwips_track (kwip_id, user_id, is_on, seen_id, seen_at)
SELECT k.id, k.author_id, true, %(comment)s, now()
FROM kwips_kwip k
WHERE k.id = %(kwip)s
  AND k.author_id = %(user)s
  AND NOT EXISTS (SELECT FROM kwips_track t WHERE t.kwip_id = k.id AND t.user_id = k.author_id)
FOR KEY SHARE OF k SKIP LOCKED
ON CONFLICT (kwip_id, user_id) DO NOTHING
