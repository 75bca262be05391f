-- One person's favourites, last added first. OFFSET 0 as in tag.sql.
-- index: favourite_person (user_id, id DESC), kwips_kwip_pkey (id)
SELECT f.id AS place, k.id
FROM kwips_favourite f
CROSS JOIN LATERAL (
    SELECT liked.id, liked.author_id, liked.audience_id, liked.visibility, liked.withheld, liked.thread_id
    FROM kwips_kwip liked
    WHERE liked.id = f.kwip_id
    OFFSET 0
) k
WHERE f.user_id = %(person)s
  AND {owner_unblocked}
  AND f.id {beyond} %(cursor_place)s
  AND ({visible})
  AND {thread_visible}
ORDER BY f.id {order}
LIMIT %(limit)s
