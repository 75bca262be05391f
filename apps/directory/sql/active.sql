-- The people who wrote on the most days lately, as the recurring command found them.
-- index: directory_activeperson_pkey (place), accounts_user_pkey (id)
SELECT {columns}, a.place, 0
FROM directory_activeperson a
JOIN accounts_user u ON u.id = a.person_id
WHERE a.place {beyond} %(cursor_place)s AND {listed}
ORDER BY a.place {order}
LIMIT %(limit)s
