-- The network by activity, plan 2: person by person, from each person's last commented kwip; see
-- network_people.sql.
-- index: follow_once (follower_id, followee_id), kwip_person_by_activity (author_id, last_active_at DESC, id DESC)
-- types: cursor_last_active_at timestamptz
SELECT k.id, k.last_active_at, statement_timestamp() AS read_at
FROM (
    SELECT network.author_id, newest.id, newest.last_active_at
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
        SELECT k.id, k.last_active_at
        FROM kwips_kwip k
        WHERE k.author_id = network.author_id
          AND k.thread_id IS NULL
          AND (k.last_active_at, k.id) {beyond} (%(cursor_last_active_at)s, %(cursor_id)s)
          AND ({visible})
          AND {unsilenced}
        ORDER BY k.last_active_at {order}, k.id {order}
        LIMIT 1
    ) newest
    ORDER BY newest.last_active_at {order}, newest.id {order}
    LIMIT %(limit)s
) people
CROSS JOIN LATERAL (
    SELECT k.id, k.last_active_at
    FROM kwips_kwip k
    WHERE k.author_id = people.author_id
      AND k.thread_id IS NULL
      AND (k.last_active_at, k.id) {beyond} (%(cursor_last_active_at)s, %(cursor_id)s)
      AND ({visible})
      AND {unsilenced}
    ORDER BY k.last_active_at {order}, k.id {order}
    LIMIT %(limit)s
) k
ORDER BY k.last_active_at {order}, k.id {order}
LIMIT %(limit)s
