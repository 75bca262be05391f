-- Fragment: no block between the viewer and the author of `k`. Not a correlated NOT EXISTS: PostgreSQL turns
-- those into joins, which take longer to plan than to run.
-- index: block_once (blocker_id, blocked_id), block_blocked_blocker (blocked_id, blocker_id)
k.author_id NOT IN (
    SELECT b.blocked_id FROM graph_block b WHERE b.blocker_id = %(viewer)s
    UNION ALL
    SELECT b.blocker_id FROM graph_block b WHERE b.blocked_id = %(viewer)s
)
