-- THE visibility predicate: may the viewer see the kwip `k`? %(viewer)s is a user id, 0 for anonymous visitors.
-- Served by follow_once (follower_id, followee_id), block_once (blocker_id, blocked_id) and the index of
-- graph_block's blocked_id. OFFSET 0 keeps PostgreSQL from reading all whom the viewer follows for the few kwips that
-- are not for everyone; and the blocks are no correlated NOT EXISTS, because those become joins, which take longer to
-- plan than to run. The author's state is not read here: apps.kwips.withholding writes it into `withheld`.
-- A kwip is for everyone only if both `visibility` and `audience_id` say so: the release before these columns, which
-- serves beside this one during an upgrade, writes what is for followers with an audience and visibility 0. One release
-- later `visibility = 0` alone decides, once the rows with an audience and visibility 0 are updated again. A visibility
-- that this release does not know is for its author alone.
k.withheld = 0
AND (
    (k.visibility = 0 AND k.audience_id IS NULL)
    OR k.author_id = %(viewer)s
    OR (
        k.visibility <= 1
        AND (
            k.audience_id = %(viewer)s
            OR EXISTS (
                SELECT FROM graph_follow f WHERE f.follower_id = %(viewer)s AND f.followee_id = k.audience_id
                OFFSET 0
            )
        )
    )
)
AND k.author_id NOT IN (
    SELECT b.blocked_id FROM graph_block b WHERE b.blocker_id = %(viewer)s
    UNION ALL
    SELECT b.blocker_id FROM graph_block b WHERE b.blocked_id = %(viewer)s
)
