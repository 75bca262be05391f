-- Whom a newcomer might follow first: those whom operators chose, then active people; no private accounts, who
-- would have to accept first.
-- index: directory_firstfollow_pkey (id), directory_activeperson_pkey (place), accounts_user_pkey (id)
SELECT {columns}, c.place, 0
FROM (
    SELECT either.person_id, min(either.place) AS place
    FROM (
        SELECT f.person_id, f.place::bigint FROM directory_firstfollow f
        UNION ALL
        (SELECT a.person_id, 100000 + a.place FROM directory_activeperson a ORDER BY a.place LIMIT 50)
    ) either
    GROUP BY either.person_id
) c
CROSS JOIN LATERAL (SELECT person.* FROM accounts_user person WHERE person.id = c.person_id OFFSET 0) u
WHERE u.id <> %(viewer)s AND NOT u.is_private AND {listed}
ORDER BY c.place, u.id
LIMIT %(limit)s
