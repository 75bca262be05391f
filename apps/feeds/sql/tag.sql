-- Kwips and comments that carry a tag, the newest first. Served by the primary keys of kwips_kwiptag
-- (tag_id, kwip_id) and kwips_kwip, and by the unique name of kwips_tag.
SELECT k.id
FROM kwips_kwiptag t
JOIN kwips_kwip k ON k.id = t.kwip_id
WHERE t.tag_id = (SELECT tag.id FROM kwips_tag tag WHERE tag.name = %(tag)s)
  AND t.kwip_id < %(cursor_id)s
  AND ({visible})
  AND {unmuted}
ORDER BY t.kwip_id DESC
LIMIT %(limit)s
