-- THE visibility predicate: may the viewer see the kwip `k`? %(viewer)s is a user id, 0 for anyone.
-- Served by follow_once (follower_id, followee_id) and block_once (blocker_id, blocked_id).
(
    k.audience_id IS NULL
    OR k.audience_id = %(viewer)s
    OR k.author_id = %(viewer)s
    OR EXISTS (
        SELECT FROM graph_follow f WHERE f.follower_id = %(viewer)s AND f.followee_id = k.audience_id
    )
)
AND NOT EXISTS (
    SELECT FROM graph_block b WHERE b.blocker_id = %(viewer)s AND b.blocked_id = k.author_id
)
AND NOT EXISTS (
    SELECT FROM graph_block b WHERE b.blocker_id = k.author_id AND b.blocked_id = %(viewer)s
)
