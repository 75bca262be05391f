-- Everyone's kwips, newest first.
-- index: kwip_everyone_by_id (id DESC), user_limited (id)
SELECT k.id
FROM kwips_kwip k
WHERE k.thread_id IS NULL
  AND k.id {beyond} %(cursor_id)s
  AND ({visible})
  AND {unmuted}
  AND {unsilenced}
  AND {unlimited}
ORDER BY k.id {order}
LIMIT %(limit)s
