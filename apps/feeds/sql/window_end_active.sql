-- The first kwip beyond the network's window by activity, if there is one.
-- index: kwip_everyone_by_activity (last_active_at DESC, id DESC)
-- types: cursor_last_active_at timestamptz
SELECT k.id, k.last_active_at
FROM kwips_kwip k
WHERE k.thread_id IS NULL
  AND (k.last_active_at, k.id) {beyond} (%(cursor_last_active_at)s, %(cursor_id)s)
ORDER BY k.last_active_at {order}, k.id {order}
OFFSET %(window)s
LIMIT 1
