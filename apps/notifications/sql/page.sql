-- A page of the notices of %(viewer)s: groups by their newest notice, of each group the newest %(lines)s
-- lines. A line is what a kind says about one subject, with its newest three actors and the number of all,
-- and the beginning of the text that it leads to, or the note before it.
-- `shown` takes of the newest %(most)s notices those that the viewer may see now: nothing deleted, withheld or
-- not for them, nothing by people who are switched off, muted or blocked, or who took it back ({condition}), nothing of
-- muted conversations or with muted words. A
-- notice of comments leads to the first comment that is still there.
-- index: notice_list (recipient_id, id DESC), kwips_kwip_pkey (id), kwip_conversation_by_id (thread_id, id),
-- accounts_user_pkey (id), mute_once (muter_id, muted_id), block_once (blocker_id, blocked_id),
-- notifications_operatormessage_pkey (id),
-- block_blocked_blocker (blocked_id, blocker_id), kwips_track_pkey (kwip_id, user_id),
-- muted_conversation_once (muter_id, kwip_id)
-- types: new bigint[]
WITH recent AS (
    SELECT n.*
    FROM notifications_notice n
    WHERE n.recipient_id = %(viewer)s AND NOT n.is_cleared AND {among}
    ORDER BY n.id DESC
    LIMIT %(most)s
),
silenced AS MATERIALIZED (
    SELECT m.muted_id AS id FROM graph_mute m WHERE m.muter_id = %(viewer)s AND (m.ends_at IS NULL OR m.ends_at > now())
    UNION ALL
    SELECT b.blocked_id FROM graph_block b WHERE b.blocker_id = %(viewer)s
    UNION ALL
    SELECT b.blocker_id FROM graph_block b WHERE b.blocked_id = %(viewer)s
),
shown AS MATERIALIZED (
    SELECT
        n.id, n.kind, n.subject, n.thread_id, n.grouping, n.notified_at, n.is_unseen,
        place.id AS kwip_id, actor.id AS actor_id
    FROM recent n
    LEFT JOIN LATERAL (
        SELECT k.id, k.author_id
        FROM kwips_kwip k
        WHERE k.id = n.kwip_id AND n.kind NOT IN ('comment', 'tracked') AND {visible} AND {heard}
        UNION ALL
        (
            SELECT k.id, k.author_id
            FROM kwips_kwip k
            JOIN accounts_user u ON u.id = k.author_id AND u.is_active
            WHERE n.kind IN ('comment', 'tracked')
              AND k.thread_id = n.thread_id
              AND k.id >= n.kwip_id
              AND k.author_id <> %(viewer)s
              AND k.author_id NOT IN (SELECT id FROM silenced)
              AND {visible}
              AND {heard}
            ORDER BY k.id
            LIMIT 1
        )
    ) place ON true
    LEFT JOIN accounts_user actor ON actor.id = coalesce(n.actor_id, place.author_id)
    WHERE (n.kwip_id IS NULL) = (place.id IS NULL)
      AND (n.thread_id IS NULL OR n.thread_id NOT IN (
        SELECT m.kwip_id FROM graph_mutedconversation m WHERE m.muter_id = %(viewer)s AND (m.ends_at IS NULL OR m.ends_at > now())
      ))
      AND coalesce(actor.is_active, true)
      AND (actor.id IS NULL OR actor.id NOT IN (SELECT id FROM silenced))
      AND ({condition})
),
page AS (
    SELECT n.grouping, max(n.id) AS id
    FROM shown n
    GROUP BY n.grouping
    HAVING max(n.id) {beyond} %(cursor_id)s
    ORDER BY max(n.id) {order}
    LIMIT %(limit)s
),
line AS (
    SELECT
        page.id AS group_id,
        n.kind,
        n.subject,
        max(n.thread_id) AS thread_id,
        max(n.kwip_id) AS kwip_id,
        max(n.notified_at) AS notified_at,
        bool_or(n.is_unseen OR n.id = ANY (%(new)s)) AS is_unseen,
        count(*) AS number,
        (array_agg(n.actor_id ORDER BY n.id DESC))[:3] AS actors,
        row_number() OVER (PARTITION BY page.id ORDER BY max(n.id) DESC) AS row
    FROM page
    JOIN shown n ON n.grouping = page.grouping
    GROUP BY page.id, n.kind, n.subject
)
SELECT
    line.group_id,
    line.kind,
    line.subject,
    line.notified_at,
    line.is_unseen,
    line.number,
    ARRAY(
        SELECT ARRAY[u.username, coalesce(nullif(u.display_name, ''), u.username), coalesce(nullif(u.avatar, ''), u.face)]::text[]
        FROM unnest(line.actors) WITH ORDINALITY AS actor (id, place)
        JOIN accounts_user u ON u.id = actor.id
        ORDER BY actor.place
    ) AS actors,
    line.kwip_id,
    ka.username AS kwip_author,
    left(coalesce(nullif(k.content_note, ''), k.text, message.text), 632) AS kwip_text,
    line.thread_id,
    ta.username AS thread_author,
    left(coalesce(nullif(t.content_note, ''), t.text), 632) AS thread_text,
    coalesce(
        (SELECT track.is_on FROM kwips_track track WHERE track.kwip_id = t.id AND track.user_id = %(viewer)s),
        t.author_id = %(viewer)s
    ) AS is_tracked,
    coalesce(k.is_formatted AND k.content_note = '', false) AS kwip_is_formatted,
    coalesce(t.is_formatted AND t.content_note = '', false) AS thread_is_formatted
FROM line
LEFT JOIN kwips_kwip k ON k.id = line.kwip_id
LEFT JOIN accounts_user ka ON ka.id = k.author_id
LEFT JOIN notifications_operatormessage message ON line.kind = 'operator' AND message.id = line.subject
LEFT JOIN kwips_kwip t ON t.id = line.thread_id
LEFT JOIN accounts_user ta ON ta.id = t.author_id
WHERE line.row <= %(lines)s
ORDER BY line.group_id {order}, line.row
