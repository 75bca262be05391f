-- For the right column: the newest five conversations that the viewer tracks, and has not opened since someone said
-- something there that they may see and do not mute. As the columns of `feeds/sql/side.sql`.
-- index: notice_list (recipient_id, id DESC), kwips_kwip_pkey (id), kwip_conversation_by_id (thread_id, id),
-- kwips_track_pkey (kwip_id, user_id), muted_conversation_once (muter_id, kwip_id), mute_once (muter_id, muted_id),
-- block_once (blocker_id, blocked_id), block_blocked_blocker (blocked_id, blocker_id), accounts_user_pkey (id)
SELECT
    'talk' AS section,
    row_number() OVER (ORDER BY n.id DESC) AS place,
    u.username::text,
    left(coalesce(nullif(t.content_note, ''), t.text), 200) AS name,
    ''::text AS avatar,
    t.id AS kwip_id,
    n.notified_at AS since,
    t.is_formatted AND t.content_note = '' AS is_formatted
FROM notifications_notice n
JOIN kwips_kwip t ON t.id = n.thread_id
JOIN accounts_user u ON u.id = t.author_id
WHERE n.recipient_id = %(viewer)s
  AND n.kind IN ('comment', 'tracked')
  AND n.is_waiting
  AND NOT n.is_cleared
  AND coalesce(
      (SELECT track.is_on FROM kwips_track track WHERE track.kwip_id = t.id AND track.user_id = %(viewer)s),
      t.author_id = %(viewer)s
  )
  AND t.id NOT IN (
      SELECT m.kwip_id
      FROM graph_mutedconversation m
      WHERE m.muter_id = %(viewer)s AND (m.ends_at IS NULL OR m.ends_at > now())
  )
  AND EXISTS (
      SELECT
      FROM kwips_kwip k
      JOIN accounts_user said ON said.id = k.author_id AND said.is_active
      WHERE k.thread_id = n.thread_id
        AND k.id >= n.kwip_id
        AND k.author_id <> %(viewer)s
        AND k.author_id NOT IN (
            SELECT m.muted_id
            FROM graph_mute m
            WHERE m.muter_id = %(viewer)s AND (m.ends_at IS NULL OR m.ends_at > now())
        )
        AND {visible}
        AND {heard}
  )
ORDER BY n.id DESC
LIMIT 5
