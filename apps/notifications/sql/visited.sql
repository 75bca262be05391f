-- %(viewer)s opens the conversation %(thread)s: its notices are seen, and none waits. Returns how many
-- notices changed, and whether others are unseen. The order of the locks is that of due.sql.
-- Not by ids: a comment that notifies at the same moment gives a notice a new id.
-- index: notice_open (recipient_id, thread_id), notice_unseen (recipient_id), notice_once (recipient_id, kind, subject, actor_id)
WITH locked AS MATERIALIZED (
    SELECT n.kind, n.subject, n.actor_id
    FROM notifications_notice n
    WHERE n.recipient_id = %(viewer)s AND n.thread_id = %(thread)s AND (n.is_unseen OR n.is_waiting)
    ORDER BY n.kind, n.subject, n.actor_id
    FOR NO KEY UPDATE
),
changed AS (
    UPDATE notifications_notice n
    SET is_unseen = false, is_waiting = false
    FROM locked
    WHERE n.recipient_id = %(viewer)s
      AND n.kind = locked.kind
      AND n.subject = locked.subject
      AND n.actor_id IS NOT DISTINCT FROM locked.actor_id
    RETURNING n.id
)
SELECT
    (SELECT count(*) FROM changed),
    EXISTS (
        SELECT FROM notifications_notice n
        WHERE n.recipient_id = %(viewer)s AND n.is_unseen AND n.id NOT IN (SELECT id FROM changed)
    )
