-- The newest kwip or share that is too old for the network's window, if there is one.
-- index: kwip_everyone_by_id (id DESC), kwips_share_pkey (id)
SELECT k.place, k.id
FROM (
    (
        SELECT n.id AS place, n.id
        FROM kwips_kwip n
        WHERE n.thread_id IS NULL AND n.id {beyond} %(cursor_place)s
        ORDER BY n.id {order}
        LIMIT %(window)s + 1
    )
    UNION ALL
    (
        SELECT s.id, s.kwip_id
        FROM kwips_share s
        WHERE s.id {beyond} %(cursor_place)s
        ORDER BY s.id {order}
        LIMIT %(window)s + 1
    )
) k
ORDER BY k.place {order}
OFFSET %(window)s
LIMIT 1
