-- Of the next %(limit)s people after %(after)s for whom unseen notices wait for a digest: since when, and what
-- they chose.
-- index: notice_digest (recipient_id, notified_at), notifications_preferences_pkey (user_id)
SELECT n.recipient_id, n.since, c.digest, c.hour, c.time_zone
FROM (
    SELECT n.recipient_id, min(n.notified_at) AS since
    FROM notifications_notice n
    WHERE n.channel = 'digest' AND n.is_unseen AND n.recipient_id > %(after)s
    GROUP BY n.recipient_id
    ORDER BY n.recipient_id
    LIMIT %(limit)s
) n
LEFT JOIN notifications_preferences c ON c.user_id = n.recipient_id
ORDER BY n.recipient_id
