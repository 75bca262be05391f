-- What the counters of %(person)s count and the lists beside them do not show to %(viewer)s: deactivated
-- followers and followees, followers-only kwips if the viewer does not follow, and withheld kwips. Only these rows
-- are counted, in indexes.
-- index: user_switched_off (id), follow_once (follower_id, followee_id), kwip_followers_only (audience_id),
-- kwip_withheld (author_id)
SELECT
    (
        SELECT count(*)
        FROM accounts_user a
        JOIN graph_follow f ON f.follower_id = a.id AND f.followee_id = %(person)s
        WHERE NOT a.is_active
    ),
    (
        SELECT count(*)
        FROM accounts_user a
        JOIN graph_follow f ON f.followee_id = a.id AND f.follower_id = %(person)s
        WHERE NOT a.is_active
    ),
    (
        SELECT count(*)
        FROM kwips_kwip k
        WHERE k.audience_id = %(person)s
          AND k.thread_id IS NULL
          AND NOT EXISTS (
            SELECT FROM graph_follow f WHERE f.follower_id = %(viewer)s AND f.followee_id = %(person)s
          )
    ) + (
        SELECT count(*)
        FROM kwips_kwip k
        WHERE k.author_id = %(person)s
          AND k.withheld > 0
          AND k.thread_id IS NULL
          AND (
            k.audience_id IS NULL
            OR EXISTS (
                SELECT FROM graph_follow f WHERE f.follower_id = %(viewer)s AND f.followee_id = %(person)s
            )
          )
    )
