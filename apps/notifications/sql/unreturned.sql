-- Locks those notices of %(person)s that wait for mail, and those that were mailed and that the person did not
-- return to since ({among}). The order of the locks is that of due.sql.
-- index: notice_open (recipient_id, thread_id), notice_list (recipient_id, id DESC)
SELECT n.id, n.kind, n.channel, n.thread_id, n.is_unseen
FROM notifications_notice n
WHERE n.recipient_id = %(person)s
  AND (n.is_unseen OR n.is_waiting)
  AND n.channel IN ('digest', 'mail', 'sent')
  AND {among}
ORDER BY n.kind, n.subject, n.actor_id
FOR NO KEY UPDATE
