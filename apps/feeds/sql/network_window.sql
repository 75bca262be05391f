-- The network, plan 1: of everyone's newest %(window)s kwips below the cursor, those of the viewer and of
-- the people they follow. Fast where these write often, however many they are. If it does not fill the
-- page, network_people.sql reads the page.
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
WHERE {in_network}
  AND ({visible})
  AND {unmuted}
  AND {switched_on}
ORDER BY k.id {order}
LIMIT %(limit)s
