-- One person's comments, newest first.
-- index: kwip_person_comments_by_id (author_id, id DESC)
SELECT k.id
FROM kwips_kwip k
WHERE k.author_id = %(person)s
  AND k.thread_id IS NOT NULL
  AND k.id {beyond} %(cursor_id)s
  AND ({visible})
  AND {thread_visible}
ORDER BY k.id {order}
LIMIT %(limit)s
