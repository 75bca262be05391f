-- The network, plan 2: person by person. Reads each person's newest kwip or share below the cursor; a page of n
-- entries can only come from the n people with the newest of these, so n entries of each of them are enough.
-- Exact at any depth. Its cost grows with the number of people, not with how much they wrote; shares of kwips that
-- the viewer sees elsewhere are read and left out.
-- index: follow_once (follower_id, followee_id), kwip_person_by_id (author_id, id DESC), share_person (sharer_id, id DESC)
SELECT k.place, k.id, {shared_by}
FROM (
    SELECT network.author_id, newest.place
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
        (
            SELECT k.id AS place
            FROM kwips_kwip k
            WHERE k.author_id = network.author_id
              AND k.thread_id IS NULL
              AND k.id {beyond} %(cursor_place)s
              AND ({visible})
            ORDER BY k.id {order}
            LIMIT 1
        )
        UNION ALL
        (
            SELECT k.place
            FROM (
                SELECT s.id AS place, s.sharer_id AS author_id, s.kwip_id AS share_of, s.author_id AS of_author
                FROM kwips_share s
                WHERE s.sharer_id = network.author_id AND s.id {beyond} %(cursor_place)s
            ) k
            WHERE {unblocked} AND {shared}
            ORDER BY k.place {order}
            LIMIT 1
        )
    ) newest
    ORDER BY newest.place {order}
    LIMIT %(limit)s
) people
CROSS JOIN LATERAL (
    (
        SELECT k.id AS place, k.id, k.author_id, NULL::bigint AS share_of
        FROM kwips_kwip k
        WHERE k.author_id = people.author_id
          AND k.thread_id IS NULL
          AND k.id {beyond} %(cursor_place)s
          AND ({visible})
        ORDER BY k.id {order}
        LIMIT %(limit)s
    )
    UNION ALL
    (
        SELECT k.place, k.share_of, k.author_id, k.share_of
        FROM (
            SELECT s.id AS place, s.sharer_id AS author_id, s.kwip_id AS share_of, s.author_id AS of_author
            FROM kwips_share s
            WHERE s.sharer_id = people.author_id AND s.id {beyond} %(cursor_place)s
        ) k
        WHERE {unblocked} AND {shared}
        ORDER BY k.place {order}
        LIMIT %(limit)s
    )
) k
ORDER BY k.place {order}
LIMIT %(limit)s
