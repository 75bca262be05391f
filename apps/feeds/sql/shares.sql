-- What one person shares, the last one first. OFFSET 0 as in tag.sql.
-- index: share_person (sharer_id, id DESC), kwips_kwip_pkey (id)
SELECT s.id AS place, k.id
FROM kwips_share s
CROSS JOIN LATERAL (
    SELECT shared.id, shared.author_id, shared.audience_id, shared.visibility, shared.withheld
    FROM kwips_kwip shared
    WHERE shared.id = s.kwip_id
    OFFSET 0
) k
WHERE s.sharer_id = %(person)s
  AND {owner_unblocked}
  AND s.id {beyond} %(cursor_place)s
  AND k.visibility = 0
  AND k.audience_id IS NULL
  AND ({visible})
ORDER BY s.id {order}
LIMIT %(limit)s
