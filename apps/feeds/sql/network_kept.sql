-- The network's first page, from a kept one: everyone's kwips and shares above its floor, at most %(most)s, and the
-- kept ids, those of them that the viewer sees now. The kept ids are left out where more are newer, or where the
-- viewer's graph differs; `newer` is then NULL, and the page is exact only if it is full. Its cost does not
-- depend on the number of followees.
-- index: kwip_everyone_by_id (id DESC), kwips_kwip_pkey (id), kwips_share_pkey (id),
-- follow_once (follower_id, followee_id), user_switched_off (id)
-- types: graph text, kept bigint[]
WITH newer AS MATERIALIZED (
    (
        SELECT
            n.id AS place, n.id, n.author_id, n.audience_id, n.visibility, n.withheld,
            NULL::bigint AS share_of, NULL::bigint AS of_author
        FROM kwips_kwip n
        WHERE n.thread_id IS NULL AND n.id > %(floor)s
        ORDER BY n.id DESC
        LIMIT %(most)s + 1
    )
    UNION ALL
    (
        SELECT s.id, s.kwip_id, s.sharer_id, NULL::bigint, 0::smallint, 0::smallint, s.kwip_id, s.author_id
        FROM kwips_share s
        WHERE s.id > %(floor)s
        ORDER BY s.id DESC
        LIMIT %(most)s + 1
    )
    ORDER BY place DESC
    LIMIT %(most)s + 1
), usable AS MATERIALIZED (
    SELECT counted.number
    FROM (SELECT count(*) AS number FROM newer) counted
    WHERE counted.number <= %(most)s AND {graph} = %(graph)s
)
SELECT k.place, k.id, (SELECT usable.number FROM usable) AS newer, {shared_by}
FROM (
    SELECT * FROM newer
    UNION ALL
    SELECT o.id, o.id, o.author_id, o.audience_id, o.visibility, o.withheld, NULL::bigint, NULL::bigint
    FROM kwips_kwip o
    WHERE o.id = ANY (%(kept)s) AND EXISTS (SELECT FROM usable)
    UNION ALL
    SELECT s.id, s.kwip_id, s.sharer_id, NULL::bigint, 0::smallint, 0::smallint, s.kwip_id, s.author_id
    FROM kwips_share s
    WHERE s.id = ANY (%(kept)s) AND EXISTS (SELECT FROM usable)
) k
WHERE k.place {beyond} %(cursor_place)s
  AND {in_network}
  AND ({visible})
  AND {unmuted}
  AND {unsilenced}
  AND {switched_on}
  AND {shared}
ORDER BY k.place {order}
LIMIT %(limit)s
