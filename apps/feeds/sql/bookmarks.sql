-- The viewer's bookmarks, the last one first, without what they may no longer see. OFFSET 0 as in tag.sql.
-- index: bookmark_person (user_id, id DESC), kwips_kwip_pkey (id)
SELECT b.id AS place, k.id
FROM kwips_bookmark b
CROSS JOIN LATERAL (
    SELECT marked.id, marked.author_id, marked.audience_id, marked.visibility, marked.withheld, marked.thread_id
    FROM kwips_kwip marked
    WHERE marked.id = b.kwip_id
    OFFSET 0
) k
WHERE b.user_id = %(viewer)s
  AND b.id {beyond} %(cursor_place)s
  AND ({visible})
  AND {thread_visible}
ORDER BY b.id {order}
LIMIT %(limit)s
