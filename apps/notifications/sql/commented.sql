-- Notifies the people mentioned in the comment %(comment)s, and the next %(limit)s people after %(after)s who
-- track its conversation; none of the latter if these are more than %(most)s. Returns how many it found, the
-- last of them, and the notices written.
-- Once, then silent: `silent` are the trackers with a waiting notice of this conversation. It locks these
-- notices. Either a visit waits for this comment, and its page has the comment; or this comment waits for the
-- visit, and notifies the visitor. A tracker who is mentioned gets one notice, the mention.
-- index: kwips_kwip_pkey (id), kwips_track_pkey (kwip_id, user_id), kwips_mention_pkey (kwip_id, user_id),
-- accounts_user_pkey (id), mute_once (muter_id, muted_id), notice_open (recipient_id, thread_id),
-- notice_once (recipient_id, kind, subject, actor_id)
WITH trackers AS MATERIALIZED (
    SELECT tracker.user_id
    FROM (
        SELECT t.user_id FROM kwips_track t WHERE t.kwip_id = %(thread)s AND t.is_on
        UNION ALL
        SELECT k.author_id
        FROM kwips_kwip k
        WHERE k.id = %(thread)s
          AND NOT EXISTS (SELECT FROM kwips_track t WHERE t.kwip_id = k.id AND t.user_id = k.author_id)
    ) tracker
    WHERE tracker.user_id > %(after)s
    ORDER BY tracker.user_id
    LIMIT %(limit)s
),
silent AS MATERIALIZED (
    SELECT n.recipient_id
    FROM notifications_notice n
    WHERE n.recipient_id IN (SELECT user_id FROM trackers)
      AND n.thread_id = %(thread)s
      AND (n.is_unseen OR n.is_waiting)
      AND n.is_waiting
      AND (SELECT count(*) FROM trackers) <= %(most)s
    ORDER BY n.recipient_id, n.ctid
    FOR NO KEY UPDATE
),
written AS (
    INSERT INTO notifications_notice AS n
        (recipient_id, kind, subject, actor_id, thread_id, kwip_id, grouping, is_waiting, is_cleared)
    SELECT
        p.id, people.kind, people.subject, people.actor_id, %(thread)s, k.id, 'kwip ' || %(thread)s, true, false
    FROM kwips_kwip k
    JOIN LATERAL (
        SELECT m.user_id, 'mention' AS kind, k.id AS subject, k.author_id AS actor_id
        FROM kwips_mention m
        WHERE m.kwip_id = k.id
        UNION ALL
        SELECT
            trackers.user_id,
            CASE trackers.user_id WHEN t.author_id THEN 'comment' ELSE 'tracked' END,
            %(thread)s,
            NULL
        FROM trackers
        JOIN kwips_kwip t ON t.id = %(thread)s
        WHERE (SELECT count(*) FROM trackers) <= %(most)s
          AND trackers.user_id NOT IN (SELECT recipient_id FROM silent)
          AND trackers.user_id NOT IN (SELECT m.user_id FROM kwips_mention m WHERE m.kwip_id = %(comment)s)
    ) people ON true
    JOIN accounts_user p ON p.id = people.user_id
    WHERE k.id = %(comment)s
      AND p.id <> k.author_id
      AND ({wanted})
      AND NOT EXISTS (SELECT FROM graph_mute m WHERE m.muter_id = p.id AND m.muted_id = k.author_id)
      AND {visible_to_person}
    ORDER BY p.id
    ON CONFLICT (recipient_id, kind, subject, actor_id) DO UPDATE
    SET
        id = excluded.id, kwip_id = excluded.kwip_id, notified_at = now(),
        is_unseen = true, is_waiting = true, is_cleared = false
    WHERE n.kind <> 'mention' AND NOT n.is_waiting
    RETURNING n.id, n.recipient_id, n.kind
)
SELECT
    (SELECT count(*) FROM trackers),
    (SELECT max(user_id) FROM trackers),
    ARRAY(SELECT id FROM written ORDER BY id),
    ARRAY(SELECT recipient_id FROM written ORDER BY id),
    ARRAY(SELECT kind FROM written ORDER BY id)
