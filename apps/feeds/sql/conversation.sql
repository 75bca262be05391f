-- The comments on a kwip that the viewer may see, the oldest first. Served by kwip_conversation (thread_id, id).
SELECT k.id
FROM kwips_kwip k
WHERE k.thread_id = %(thread)s
  AND k.id > %(cursor_id)s
  AND ({visible})
  AND {thread_visible}
ORDER BY k.id ASC
LIMIT %(limit)s
