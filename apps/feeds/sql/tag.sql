-- Kwips and comments that carry a tag, the newest first. Served by the primary keys of kwips_kwiptag
-- (tag_id, kwip_id) and kwips_kwip, and by the unique name of kwips_tag. OFFSET 0 keeps PostgreSQL from going through
-- everybody's kwips in search of a tag that it takes for a frequent one.
SELECT k.id
FROM kwips_kwiptag t
CROSS JOIN LATERAL (
    SELECT tagged.id, tagged.author_id, tagged.audience_id, tagged.visibility, tagged.withheld, tagged.thread_id
    FROM kwips_kwip tagged
    WHERE tagged.id = t.kwip_id
    OFFSET 0
) k
WHERE t.tag_id = (SELECT tag.id FROM kwips_tag tag WHERE tag.name = %(tag)s)
  AND t.kwip_id < %(cursor_id)s
  AND ({visible})
  AND {thread_visible}
  AND {unmuted}
ORDER BY t.kwip_id DESC
LIMIT %(limit)s
