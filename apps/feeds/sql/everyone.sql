-- Everyone's kwips, the newest first. Served by kwip_everyone_by_id (id DESC).
SELECT k.id
FROM kwips_kwip k
WHERE k.thread_id IS NULL
  AND k.id < %(cursor_id)s
  AND ({visible})
  AND {unmuted}
ORDER BY k.id DESC
LIMIT %(limit)s
