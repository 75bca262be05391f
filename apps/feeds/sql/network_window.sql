-- The network, plan 1: of everyone's newest %(window)s kwips below the cursor, those of the viewer and of
-- the people they follow. Fast where these write often, however many they are. If it does not fill the
-- page, network_people.sql reads the page. OFFSET 0 makes PostgreSQL look up the author of each kwip until
-- the page is full; else it would first read all followees.
-- index: kwip_everyone_by_id (id DESC), follow_once (follower_id, followee_id), user_switched_off (id)
SELECT k.id
FROM (
    SELECT newest.id, newest.author_id, newest.audience_id, newest.visibility, newest.withheld
    FROM kwips_kwip newest
    WHERE newest.thread_id IS NULL
      AND newest.id {beyond} %(cursor_id)s
    ORDER BY newest.id {order}
    LIMIT %(window)s
) k
WHERE (
        k.author_id = %(viewer)s
        OR EXISTS (
            SELECT FROM graph_follow f WHERE f.follower_id = %(viewer)s AND f.followee_id = k.author_id OFFSET 0
        )
    )
  AND ({visible})
  AND {unmuted}
  AND {switched_on}
ORDER BY k.id {order}
LIMIT %(limit)s
