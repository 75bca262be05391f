-- The kwip that %(person)s pinned, if the viewer may see it: one row at most.
-- index: kwips_pin_pkey (person_id), kwips_kwip_pkey (id)
SELECT k.id
FROM kwips_pin pin
JOIN kwips_kwip k ON k.id = pin.kwip_id AND k.author_id = pin.person_id
WHERE pin.person_id = %(person)s
  AND k.thread_id IS NULL
  AND k.id {beyond} %(cursor_id)s
  AND ({visible})
ORDER BY k.id {order}
LIMIT %(limit)s
