-- The network, plan 2: person by person. Reads each person's newest kwip below the cursor; a page of n
-- kwips can only come from the n people with the newest of these, so n kwips of each of them are enough.
-- Exact at any depth. Its cost grows with the number of people, not with how much they wrote.
-- index: follow_once (follower_id, followee_id), kwip_person_by_id (author_id, id DESC)
SELECT k.id
FROM (
    SELECT network.author_id, newest.id
    FROM (
        SELECT k.author_id
        FROM (
            SELECT f.followee_id AS author_id FROM graph_follow f WHERE f.follower_id = %(viewer)s
            UNION ALL
            SELECT %(viewer)s
        ) k
        WHERE {unmuted} AND {switched_on}
    ) network
    CROSS JOIN LATERAL (
        SELECT k.id
        FROM kwips_kwip k
        WHERE k.author_id = network.author_id
          AND k.thread_id IS NULL
          AND k.id {beyond} %(cursor_id)s
          AND ({visible})
        ORDER BY k.id {order}
        LIMIT 1
    ) newest
    ORDER BY newest.id {order}
    LIMIT %(limit)s
) people
CROSS JOIN LATERAL (
    SELECT k.id
    FROM kwips_kwip k
    WHERE k.author_id = people.author_id
      AND k.thread_id IS NULL
      AND k.id {beyond} %(cursor_id)s
      AND ({visible})
    ORDER BY k.id {order}
    LIMIT %(limit)s
) k
ORDER BY k.id {order}
LIMIT %(limit)s
