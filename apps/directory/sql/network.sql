-- People whom the network of %(viewer)s follows, as the recurring command found them; not those whom they
-- follow by now.
-- index: directory_suggestion_pkey (member_id, place), accounts_user_pkey (id), follow_once (follower_id, followee_id)
SELECT {columns}, s.place, s.followed_by
FROM directory_suggestion s
JOIN accounts_user u ON u.id = s.person_id
WHERE s.member_id = %(viewer)s
  AND s.place {beyond} %(cursor_place)s
  AND {listed}
  AND NOT EXISTS (
    SELECT FROM graph_follow f WHERE f.follower_id = %(viewer)s AND f.followee_id = u.id OFFSET 0
  )
ORDER BY s.place {order}
LIMIT %(limit)s
