-- The kwip of the day, if the viewer may see it: one row at most.
-- index: kwips_kwip_pkey (id), user_limited (id)
SELECT k.id
FROM kwips_kwipoftheday d
JOIN kwips_kwip k ON k.id = d.kwip_id
WHERE k.thread_id IS NULL
  AND k.id {beyond} %(cursor_id)s
  AND ({visible})
  AND {unlimited}
ORDER BY k.id {order}
LIMIT %(limit)s
