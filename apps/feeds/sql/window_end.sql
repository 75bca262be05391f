-- The newest kwip that is too old for the network's window, if there is one.
-- index: kwip_everyone_by_id (id DESC)
SELECT k.id
FROM kwips_kwip k
WHERE k.thread_id IS NULL
  AND k.id {beyond} %(cursor_id)s
ORDER BY k.id {order}
OFFSET %(window)s
LIMIT 1
