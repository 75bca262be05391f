-- %(viewer)s opens the conversation %(thread)s: its notices are seen, and none waits. Returns how many
-- notices changed, and whether others are unseen.
-- Not by ids from a subquery that locks: a comment that notifies at the same moment gives a notice a new id.
-- index: notice_open (recipient_id, thread_id), notice_unseen (recipient_id)
WITH changed AS (
    UPDATE notifications_notice n
    SET is_unseen = false, is_waiting = false
    WHERE n.recipient_id = %(viewer)s AND n.thread_id = %(thread)s AND (n.is_unseen OR n.is_waiting)
    RETURNING n.id
)
SELECT
    (SELECT count(*) FROM changed),
    EXISTS (
        SELECT FROM notifications_notice n
        WHERE n.recipient_id = %(viewer)s AND n.is_unseen AND n.id NOT IN (SELECT id FROM changed)
    )
