-- The network, plan 1: of everyone's newest %(window)s kwips and shares below the cursor, those of the viewer and
-- of the people they follow. A share counts as its sharer's. Fast where these write often, however many they are.
-- If it does not fill the page, network_people.sql reads the page. The LIMITs inside have PostgreSQL merge two
-- index scans; else it would sort both tables.
-- index: kwip_everyone_by_id (id DESC), kwips_share_pkey (id), follow_once (follower_id, followee_id),
-- user_switched_off (id)
SELECT k.place, k.id, {shared_by}
FROM (
    (
        SELECT
            n.id AS place, n.id, n.author_id, n.audience_id, n.visibility, n.withheld,
            NULL::bigint AS share_of, NULL::bigint AS of_author
        FROM kwips_kwip n
        WHERE n.thread_id IS NULL AND n.id {beyond} %(cursor_place)s
        ORDER BY n.id {order}
        LIMIT %(window)s
    )
    UNION ALL
    (
        SELECT s.id, s.kwip_id, s.sharer_id, NULL::bigint, 0::smallint, 0::smallint, s.kwip_id, s.author_id
        FROM kwips_share s
        WHERE s.id {beyond} %(cursor_place)s
        ORDER BY s.id {order}
        LIMIT %(window)s
    )
    ORDER BY place {order}
    LIMIT %(window)s
) k
WHERE {in_network}
  AND ({visible})
  AND {unmuted}
  AND {unsilenced}
  AND {switched_on}
  AND {shared}
ORDER BY k.place {order}
LIMIT %(limit)s
