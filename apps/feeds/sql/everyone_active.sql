-- Everyone's kwips, the last commented first. Served by kwip_everyone_by_activity (last_active_at DESC, id DESC).
SELECT k.id, k.last_active_at
FROM kwips_kwip k
WHERE k.thread_id IS NULL
  AND (k.last_active_at, k.id) < (%(cursor_last_active_at)s, %(cursor_id)s)
  AND ({visible})
  AND {unmuted}
ORDER BY k.last_active_at DESC, k.id DESC
LIMIT %(limit)s
