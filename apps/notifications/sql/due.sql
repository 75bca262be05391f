-- Fragment: `due`, the people to notify of the comment `made` of the conversation %(thread)s: those `mentioned`,
-- and those `trackers` that have no waiting notice of the conversation.
-- Once, then silent: `silent` are the trackers with a waiting notice. It locks these notices, in the order of
-- what no UPDATE changes (a notice's id and place in the table do), so that two statements cannot deadlock. Either a visit
-- waits for this comment, and its page has the comment; or this comment waits for the visit, and notifies the
-- visitor. A tracker who is mentioned gets one notice, the mention, unless they want none.
-- index: kwips_kwip_pkey (id), kwips_track_pkey (kwip_id, user_id), notice_open (recipient_id, thread_id),
-- notifications_preferences_pkey (user_id)
trackers AS MATERIALIZED (
    SELECT tracker.user_id
    FROM (
        SELECT t.user_id FROM kwips_track t WHERE t.kwip_id = %(thread)s AND t.is_on
        UNION ALL
        SELECT k.author_id
        FROM kwips_kwip k
        WHERE k.id = %(thread)s
          AND NOT EXISTS (SELECT FROM kwips_track t WHERE t.kwip_id = k.id AND t.user_id = k.author_id)
    ) tracker
    {which}
),
silent AS MATERIALIZED (
    SELECT n.recipient_id
    FROM notifications_notice n
    WHERE n.recipient_id IN (SELECT user_id FROM trackers)
      AND n.thread_id = %(thread)s
      AND (n.is_unseen OR n.is_waiting)
      AND n.is_waiting
      AND (SELECT count(*) FROM trackers) <= {most}
    ORDER BY n.recipient_id, n.kind, n.subject, n.actor_id
    FOR NO KEY UPDATE
),
due AS MATERIALIZED (
    SELECT mentioned.user_id, 'mention' AS kind, made.id AS subject, made.author_id AS actor_id
    FROM made
    CROSS JOIN mentioned
    UNION ALL
    SELECT t.user_id, CASE t.user_id WHEN k.author_id THEN 'comment' ELSE 'tracked' END, k.id, NULL
    FROM trackers t
    JOIN made ON made.author_id <> t.user_id
    JOIN kwips_kwip k ON k.id = %(thread)s
    WHERE (SELECT count(*) FROM trackers) <= {most}
      AND t.user_id NOT IN (SELECT recipient_id FROM silent)
      AND t.user_id NOT IN (
        SELECT m.user_id
        FROM mentioned m
        LEFT JOIN notifications_preferences c ON c.user_id = m.user_id
        WHERE c.channels ->> 'mention' IS DISTINCT FROM 'none'
      )
)
