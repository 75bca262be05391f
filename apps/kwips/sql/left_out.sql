-- What the counters of %(person)s count and the lists beside them do not show to %(viewer)s: deactivated
-- followers and followees, and followers-only kwips if the viewer does not follow. Only these rows are
-- counted, in indexes.
-- index: user_switched_off (id), follow_once (follower_id, followee_id), kwip_followers_only (audience_id)
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
    )
