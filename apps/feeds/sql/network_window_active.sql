-- The network by activity, plan 1: of everyone's last commented %(window)s kwips below the cursor, those of
-- the viewer and of the people they follow; see network_window.sql.
-- index: kwip_everyone_by_activity (last_active_at DESC, id DESC), follow_once (follower_id, followee_id),
-- user_switched_off (id)
-- types: cursor_last_active_at timestamptz
SELECT k.id, k.last_active_at, statement_timestamp() AS read_at
FROM (
    SELECT newest.id, newest.last_active_at, newest.author_id, newest.audience_id, newest.visibility, newest.withheld
    FROM kwips_kwip newest
    WHERE newest.thread_id IS NULL
      AND (newest.last_active_at, newest.id) {beyond} (%(cursor_last_active_at)s, %(cursor_id)s)
    ORDER BY newest.last_active_at {order}, newest.id {order}
    LIMIT %(window)s
) k
WHERE {in_network}
  AND ({visible})
  AND {unmuted}
  AND {unsilenced}
  AND {switched_on}
ORDER BY k.last_active_at {order}, k.id {order}
LIMIT %(limit)s
