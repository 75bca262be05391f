-- The newest people, each with the first kwip that the viewer may see, without imported ones (ids below zero); of the
-- newest %(among)s people.
-- index: accounts_user_pkey (id), kwip_person_by_id (author_id, id DESC), user_limited (id)
SELECT newest.id, newest.username, newest.name, newest.avatar, greeted.id
FROM (
    SELECT
        u.id, u.username, u.joined_at, u.is_active, coalesce(nullif(u.avatar, ''), u.face) AS avatar,
        coalesce(nullif(u.display_name, ''), u.username) AS name
    FROM accounts_user u
    ORDER BY u.id DESC
    LIMIT %(among)s
) AS newest
CROSS JOIN LATERAL (
    SELECT k.id
    FROM kwips_kwip k
    WHERE k.author_id = newest.id
      AND k.id > 0
      AND k.thread_id IS NULL
      AND ({visible})
      AND {unlimited}
    ORDER BY k.id
    LIMIT 1
) AS greeted
WHERE newest.is_active AND newest.joined_at > now() - make_interval(days => %(days)s::int)
ORDER BY newest.id DESC
LIMIT %(limit)s
