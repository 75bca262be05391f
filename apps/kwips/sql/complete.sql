-- People whose user name or name to show begins with %(name)s, for %(viewer)s, who writes below the kwip or
-- comment %(kwip)s or, 0, elsewhere. First those of the conversation, then those whom the viewer follows,
-- then others; at most %(limit)s. For an empty name, no others. People with a block
-- or mute between them and the viewer are left out.
-- Bounded: of a conversation its newest 200 comments, of other people the first 30 by each name.
-- OFFSET 0: each is looked up by id; PostgreSQL would read all people rather than the followees' rows.
-- The operators ~>=~ and ~<~ compare bytes, so that a generic plan uses the indexes; LIKE would not.
-- index: kwips_kwip_pkey (id), kwip_conversation_by_id (thread_id, id), follow_once (follower_id, followee_id),
-- accounts_user_pkey (id), accounts_user_username_6088629e_like (username varchar_pattern_ops),
-- user_display_name_prefix (display_name), mute_once (muter_id, muted_id),
-- block_once (blocker_id, blocked_id), block_blocked_blocker (blocked_id, blocker_id)
-- types: name text
WITH thread AS MATERIALIZED (
    SELECT coalesce(k.thread_id, k.id) AS id
    FROM kwips_kwip k
    WHERE k.id = %(kwip)s AND {visible} AND {thread_visible}
),
near AS (
    SELECT k.author_id AS id, 0 AS rank
    FROM thread
    JOIN kwips_kwip k ON k.id = thread.id
    UNION ALL
    SELECT c.author_id, 0
    FROM thread
    CROSS JOIN LATERAL (
        SELECT c.author_id FROM kwips_kwip c WHERE c.thread_id = thread.id ORDER BY c.id DESC LIMIT 200
    ) c
    UNION ALL
    SELECT f.followee_id, 1
    FROM graph_follow f
    WHERE f.follower_id = %(viewer)s
),
candidate AS (
    SELECT near.id, near.rank
    FROM (SELECT id, min(rank) AS rank FROM near GROUP BY id) near
    CROSS JOIN LATERAL (
        SELECT
        FROM accounts_user u
        WHERE u.id = near.id
          AND (starts_with(u.username, %(name)s) OR starts_with(lower(u.display_name), %(name)s))
        OFFSET 0
    ) u
    UNION ALL
    (
        SELECT u.id, 2
        FROM accounts_user u
        WHERE %(name)s <> '' AND u.username ~>=~ %(name)s AND u.username ~<~ (%(name)s || chr(1114111))
        ORDER BY u.username USING ~<~
        LIMIT 30
    )
    UNION ALL
    (
        SELECT u.id, 2
        FROM accounts_user u
        WHERE %(name)s <> '' AND u.display_name <> ''
          AND lower(u.display_name) ~>=~ %(name)s AND lower(u.display_name) ~<~ (%(name)s || chr(1114111))
        ORDER BY lower(u.display_name) USING ~<~
        LIMIT 30
    )
)
SELECT u.username, coalesce(nullif(u.display_name, ''), u.username), coalesce(nullif(u.avatar, ''), u.face)
FROM (SELECT id, min(rank) AS rank FROM candidate GROUP BY id) candidate
CROSS JOIN LATERAL (SELECT u.* FROM accounts_user u WHERE u.id = candidate.id OFFSET 0) u
WHERE u.is_active
  AND u.id <> %(viewer)s
  AND u.id NOT IN (
    SELECT m.muted_id FROM graph_mute m WHERE m.muter_id = %(viewer)s AND (m.ends_at IS NULL OR m.ends_at > now())
    UNION ALL
    SELECT b.blocked_id FROM graph_block b WHERE b.blocker_id = %(viewer)s
    UNION ALL
    SELECT b.blocker_id FROM graph_block b WHERE b.blocked_id = %(viewer)s
  )
  AND {confirmed}
ORDER BY candidate.rank, NOT starts_with(u.username, %(name)s), u.username
LIMIT %(limit)s
