-- %(viewer)s reads the messages of %(sender)s: their notice is seen. Returns how many notices changed, and
-- whether others are unseen.
-- index: notice_once (recipient_id, kind, subject, actor_id), notice_unseen (recipient_id)
WITH changed AS (
    UPDATE notifications_notice n
    SET is_unseen = false
    WHERE n.recipient_id = %(viewer)s AND n.kind = 'message'
      AND n.subject = %(sender)s AND n.actor_id = %(sender)s AND n.is_unseen
    RETURNING n.id
)
SELECT
    (SELECT count(*) FROM changed),
    EXISTS (
        SELECT FROM notifications_notice n
        WHERE n.recipient_id = %(viewer)s AND n.is_unseen AND n.id NOT IN (SELECT id FROM changed)
    )
