-- The network, first plan: out of everyone's newest kwips below the cursor, %(window)s of them, those of the
-- viewer and of whom they follow. Fast where these kwip a lot, however many they are; a page that it does not
-- fill is network_people.sql's. OFFSET 0 has PostgreSQL ask for each kwip's author, until the page is full, instead
-- of first reading all whom the viewer follows.
-- Served by kwip_everyone_by_id (id DESC) and follow_once (follower_id, followee_id).
SELECT k.id
FROM (
    SELECT newest.id, newest.author_id, newest.audience_id, newest.visibility, newest.withheld
    FROM kwips_kwip newest
    WHERE newest.thread_id IS NULL
      AND newest.id < %(cursor_id)s
    ORDER BY newest.id DESC
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
ORDER BY k.id DESC
LIMIT %(limit)s
