-- The right column of a person's page: whom %(person)s followed last, and who followed them last, of each the newest
-- %(faces)s whom this viewer may come across.
-- index: follow_follower_id (follower_id, id DESC), follow_followee_id (followee_id, id DESC), accounts_user_pkey (id),
-- block_once (blocker_id, blocked_id), block_blocked_blocker (blocked_id, blocker_id)
WITH following AS (
    SELECT 'following' AS section, k.id, u.username, coalesce(nullif(u.display_name, ''), u.username) AS name, coalesce(nullif(u.avatar, ''), u.face) AS avatar
    FROM (SELECT f.id, f.followee_id AS author_id FROM graph_follow f WHERE f.follower_id = %(person)s) k
    JOIN accounts_user u ON u.id = k.author_id AND u.is_active
    WHERE {unblocked}
    ORDER BY k.id DESC
    LIMIT %(faces)s
),
followers AS (
    SELECT 'followers' AS section, k.id, u.username, coalesce(nullif(u.display_name, ''), u.username) AS name, coalesce(nullif(u.avatar, ''), u.face) AS avatar
    FROM (SELECT f.id, f.follower_id AS author_id FROM graph_follow f WHERE f.followee_id = %(person)s) k
    JOIN accounts_user u ON u.id = k.author_id AND u.is_active
    WHERE {unblocked}
    ORDER BY k.id DESC
    LIMIT %(faces)s
)
SELECT section, username, name, avatar FROM following
UNION ALL
SELECT section, username, name, avatar FROM followers
