-- Fragment: the visibility predicate. True if the viewer may see the kwip `k`; %(viewer)s is a user id, 0
-- for an anonymous visitor. The author's state is not read here: apps.kwips.withholding writes it into `withheld`.
-- What is withheld for another reason than its author's state (bit 1) is for its author alone.
-- A kwip is for everyone only if both `visibility` and `audience_id` say so: during an upgrade the release
-- before these columns writes a kwip for followers with an audience and visibility 0. One release later
-- `visibility = 0` alone decides. A visibility that this release does not know is for its author alone.
-- OFFSET 0 keeps PostgreSQL from reading all followees for the few kwips that are not for everyone.
-- index: follow_once (follower_id, followee_id)
(k.withheld = 0 OR (k.withheld & 1 = 0 AND k.author_id = %(viewer)s))
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
AND {unblocked}
