-- %(viewer)s opens the list: all notices are seen. Returns those that were unseen. A notice that another
-- transaction is renewing is skipped, and stays unseen.
-- index: notice_unseen (recipient_id), notifications_notice_pkey (id)
UPDATE notifications_notice
SET is_unseen = false
WHERE id = ANY (ARRAY(
    SELECT n.id
    FROM notifications_notice n
    WHERE n.recipient_id = %(viewer)s AND n.is_unseen
    FOR NO KEY UPDATE SKIP LOCKED
))
RETURNING id
