-- The network, plan 2: person by person. Reads each person's newest kwip below the cursor; a page of n kwips can
-- only come from the n people with the newest of these, so n kwips of each of them are enough. Then the same with
-- the shares that are newer than the last of these n kwips. Exact at any depth. Its cost grows with the number of
-- people, not with how much they wrote; shares that `shared` leaves out are read one by one.
-- index: follow_once (follower_id, followee_id), kwip_person_by_id (author_id, id DESC), share_person (sharer_id, id DESC)
WITH network AS MATERIALIZED (
    SELECT k.author_id
    FROM (
        SELECT f.followee_id AS author_id FROM graph_follow f WHERE f.follower_id = %(viewer)s
        UNION ALL
        SELECT %(viewer)s
    ) k
    WHERE {unmuted} AND {switched_on}
), written AS MATERIALIZED (
    SELECT k.id
    FROM (
        SELECT network.author_id, newest.id
        FROM network
        CROSS JOIN LATERAL (
            SELECT k.id
            FROM kwips_kwip k
            WHERE k.author_id = network.author_id
              AND k.thread_id IS NULL
              AND k.id {beyond} %(cursor_place)s
              AND ({visible})
              AND {unsilenced}
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
          AND k.id {beyond} %(cursor_place)s
          AND ({visible})
          AND {unsilenced}
        ORDER BY k.id {order}
        LIMIT %(limit)s
    ) k
    ORDER BY k.id {order}
    LIMIT %(limit)s
), near AS MATERIALIZED (
    -- The ids between the cursor and the page's last kwip; if these do not fill it, all beyond the cursor.
    SELECT least(last.id, %(cursor_place)s) AS lowest, greatest(last.id, %(cursor_place)s) AS highest
    FROM (
        SELECT coalesce(
            (SELECT w.id FROM written w ORDER BY w.id {order} OFFSET %(limit)s - 1 LIMIT 1),
            CASE WHEN 0 {beyond} 1 THEN 0 ELSE 9223372036854775807 END
        ) AS id
    ) last
)
SELECT k.place, k.id, {shared_by}
FROM (
    SELECT written.id AS place, written.id, NULL::bigint AS author_id, NULL::bigint AS share_of FROM written
    UNION ALL
    SELECT k.place, k.share_of, k.author_id, k.share_of
    FROM (
        SELECT network.author_id, newest.place
        FROM near
        CROSS JOIN network
        CROSS JOIN LATERAL (
            SELECT k.place
            FROM (
                SELECT s.id AS place, s.sharer_id AS author_id, s.kwip_id AS share_of, s.author_id AS of_author
                FROM kwips_share s
                WHERE s.sharer_id = network.author_id
                  AND s.id {beyond} %(cursor_place)s
                  AND s.id >= near.lowest
                  AND s.id <= near.highest
            ) k
            WHERE {unblocked} AND {shared}
            ORDER BY k.place {order}
            LIMIT 1
        ) newest
        ORDER BY newest.place {order}
        LIMIT %(limit)s
    ) people
    CROSS JOIN near
    CROSS JOIN LATERAL (
        SELECT k.place, k.author_id, k.share_of
        FROM (
            SELECT s.id AS place, s.sharer_id AS author_id, s.kwip_id AS share_of, s.author_id AS of_author
            FROM kwips_share s
            WHERE s.sharer_id = people.author_id
              AND s.id {beyond} %(cursor_place)s
              AND s.id >= near.lowest
              AND s.id <= near.highest
        ) k
        WHERE {unblocked} AND {shared}
        ORDER BY k.place {order}
        LIMIT %(limit)s
    ) k
) k
ORDER BY k.place {order}
LIMIT %(limit)s
