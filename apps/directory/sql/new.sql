-- The newest people whom the viewer may meet.
-- index: accounts_user_pkey (id)
SELECT {columns}, u.id, 0
FROM accounts_user u
WHERE u.id {beyond} %(cursor_id)s AND {listed}
ORDER BY u.id {order}
LIMIT %(limit)s
