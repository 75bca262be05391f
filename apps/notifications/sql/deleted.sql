-- Deletes the notices of the deleted kwips and comments %(kwips)s of the conversations %(threads)s. Returns
-- their recipients. The order of the locks is that of due.sql.
-- index: notice_thread (thread_id, subject), notifications_notice_pkey (id)
-- types: kwips bigint[], threads bigint[]
DELETE FROM notifications_notice
WHERE id = ANY (ARRAY(
    SELECT n.id
    FROM notifications_notice n
    WHERE n.thread_id = ANY (%(threads)s) AND n.subject = ANY (%(kwips)s)
    ORDER BY n.recipient_id, n.kind, n.subject, n.actor_id
    FOR UPDATE
))
RETURNING recipient_id
