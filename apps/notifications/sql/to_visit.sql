-- Whether a notice of the conversation %(thread)s is unseen by %(viewer)s, or waits. Most page views change nothing.
-- index: notice_open (recipient_id, thread_id)
SELECT EXISTS (
    SELECT FROM notifications_notice n
    WHERE n.recipient_id = %(viewer)s AND n.thread_id = %(thread)s AND (n.is_unseen OR n.is_waiting)
)
