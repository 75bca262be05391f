-- Whom a member might follow first, each with their newest kwip that the viewer may see: those whom operators chose,
-- then active people, then who wrote lately. No private accounts, who would have to accept first; not those whom
-- the viewer follows.
-- index: directory_firstfollow_pkey (id), directory_activeperson_pkey (place), accounts_user_pkey (id),
-- kwip_everyone_by_id (id DESC), kwip_person_by_id (author_id, id DESC), follow_once (follower_id, followee_id)
SELECT first.*, newest.id, newest.beginning, newest.is_formatted
FROM (
    SELECT {columns}, c.place, 0
    FROM (
        SELECT either.person_id, min(either.place) AS place
        FROM (
            SELECT f.person_id, f.place::bigint FROM directory_firstfollow f
            UNION ALL
            (SELECT a.person_id, 100000 + a.place FROM directory_activeperson a ORDER BY a.place LIMIT 50)
            UNION ALL
            SELECT lately.author_id, 200000 + row_number() OVER (ORDER BY lately.id DESC)
            FROM (
                SELECT k.id, k.author_id
                FROM kwips_kwip k
                WHERE k.thread_id IS NULL AND ({visible})
                ORDER BY k.id DESC
                LIMIT 100
            ) lately
        ) either
        GROUP BY either.person_id
    ) c
    CROSS JOIN LATERAL (SELECT person.* FROM accounts_user person WHERE person.id = c.person_id OFFSET 0) u
    WHERE u.id <> %(viewer)s
      AND NOT u.is_private
      AND {listed}
      AND NOT EXISTS (
        SELECT FROM graph_follow f WHERE f.follower_id = %(viewer)s AND f.followee_id = u.id OFFSET 0
      )
    ORDER BY c.place, u.id
    LIMIT %(limit)s
) first
LEFT JOIN LATERAL (
    SELECT
        k.id,
        left(coalesce(nullif(k.content_note, ''), k.text), 400) AS beginning,
        k.is_formatted AND k.content_note = '' AS is_formatted
    FROM kwips_kwip k
    WHERE k.author_id = first.id AND k.thread_id IS NULL AND ({visible})
    ORDER BY k.id DESC
    LIMIT 1
) newest ON true
ORDER BY first.place, first.id
