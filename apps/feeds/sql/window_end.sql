-- The first kwip of anybody that the network's window does not see any more, if there is one.
-- Served by kwip_everyone_by_id (id DESC).
SELECT k.id
FROM kwips_kwip k
WHERE k.thread_id IS NULL
  AND k.id < %(cursor_id)s
ORDER BY k.id DESC
OFFSET %(window)s
LIMIT 1
