-- One person's kwips, newest first.
-- index: kwip_person_by_id (author_id, id DESC)
SELECT k.id
FROM kwips_kwip k
WHERE k.author_id = %(person)s
  AND k.thread_id IS NULL
  AND k.id {beyond} %(cursor_id)s
  AND ({visible})
ORDER BY k.id {order}
LIMIT %(limit)s
