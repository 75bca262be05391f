-- %(viewer)s removes all notices up to %(newest)s from the list. The rows stay: the same fact does not
-- notify again.
-- index: notice_list (recipient_id, id DESC), notifications_notice_pkey (id)
UPDATE notifications_notice
SET is_cleared = true, is_unseen = false
WHERE id = ANY (ARRAY(
    SELECT n.id
    FROM notifications_notice n
    WHERE n.recipient_id = %(viewer)s AND n.id <= %(newest)s AND NOT n.is_cleared
    FOR NO KEY UPDATE SKIP LOCKED
))
RETURNING id
