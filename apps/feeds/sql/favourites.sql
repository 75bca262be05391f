-- One person's favourites, the last added first. Served by favourite_person (user_id, id DESC) and the primary
-- key of kwips_kwip. OFFSET 0 as in tag.sql.
SELECT k.id, f.id AS favourite_id
FROM kwips_favourite f
CROSS JOIN LATERAL (
    SELECT liked.id, liked.author_id, liked.audience_id, liked.visibility, liked.withheld, liked.thread_id
    FROM kwips_kwip liked
    WHERE liked.id = f.kwip_id
    OFFSET 0
) k
WHERE f.user_id = %(person)s
  AND f.id < %(cursor_favourite_id)s
  AND ({visible})
  AND {thread_visible}
ORDER BY f.id DESC
LIMIT %(limit)s
