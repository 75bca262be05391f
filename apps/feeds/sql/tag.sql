-- Kwips and comments that carry a tag, newest first. OFFSET 0 keeps PostgreSQL from scanning everyone's
-- kwips for a tag that its statistics take for a frequent one.
-- index: kwips_kwiptag_pkey (tag_id, kwip_id), kwips_kwip_pkey (id), kwips_tag_name_key (name),
-- user_limited (id)
-- types: tag text
SELECT k.id
FROM kwips_kwiptag t
CROSS JOIN LATERAL (
    SELECT tagged.id, tagged.author_id, tagged.audience_id, tagged.visibility, tagged.withheld, tagged.thread_id
    FROM kwips_kwip tagged
    WHERE tagged.id = t.kwip_id
    OFFSET 0
) k
WHERE t.tag_id = (SELECT tag.id FROM kwips_tag tag WHERE tag.name = %(tag)s)
  AND t.kwip_id {beyond} %(cursor_id)s
  AND ({visible})
  AND {thread_visible}
  AND {unmuted}
  AND {unsilenced_listed}
  AND {unlimited}
ORDER BY t.kwip_id {order}
LIMIT %(limit)s
