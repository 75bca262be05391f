-- Stores for each of %(members)s the %(limit)s people whom most of their newest %(near)s followees follow, of the
-- newest %(near)s whom each of these follows. The caller has deleted the former rows.
-- OFFSET 0: each is looked up by its index; PostgreSQL would read the whole tables.
-- index: follow_follower_id (follower_id, id DESC), follow_once (follower_id, followee_id), accounts_user_pkey (id), user_switched_off (id)
-- types: members bigint[]
INSERT INTO directory_suggestion (member_id, place, person_id, followed_by)
SELECT m.id, row_number() OVER (PARTITION BY m.id ORDER BY found.followed_by DESC, found.id), found.id, found.followed_by
FROM unnest(%(members)s::bigint[]) AS m (id)
CROSS JOIN LATERAL (
    SELECT further.followee_id AS id, count(*) AS followed_by
    FROM (
        SELECT f.followee_id
        FROM graph_follow f
        WHERE f.follower_id = m.id
          AND f.followee_id NOT IN (SELECT o.id FROM accounts_user o WHERE NOT o.is_active)
        ORDER BY f.id DESC
        LIMIT %(near)s
    ) near
    CROSS JOIN LATERAL (
        SELECT g.followee_id FROM graph_follow g WHERE g.follower_id = near.followee_id ORDER BY g.id DESC LIMIT %(near)s
    ) further
    WHERE further.followee_id <> m.id
      AND NOT EXISTS (
        SELECT FROM graph_follow f WHERE f.follower_id = m.id AND f.followee_id = further.followee_id OFFSET 0
      )
    GROUP BY further.followee_id
    ORDER BY count(*) DESC, further.followee_id
    LIMIT %(limit)s
) found
CROSS JOIN LATERAL (SELECT FROM accounts_user u WHERE u.id = found.id AND u.is_active AND NOT u.is_limited OFFSET 0) u
