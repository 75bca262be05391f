-- One person's kwips, last commented first.
-- index: kwip_person_by_activity (author_id, last_active_at DESC, id DESC)
-- types: cursor_last_active_at timestamptz
SELECT k.id, k.last_active_at, statement_timestamp() AS read_at
FROM kwips_kwip k
WHERE k.author_id = %(person)s
  AND k.thread_id IS NULL
  AND (k.last_active_at, k.id) {beyond} (%(cursor_last_active_at)s, %(cursor_id)s)
  AND ({visible})
ORDER BY k.last_active_at {order}, k.id {order}
LIMIT %(limit)s
