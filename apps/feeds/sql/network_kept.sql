-- The network's first page, from a kept one: everyone's kwips above its floor, at most %(most)s, and the kept ids,
-- those of them that the viewer sees now. The kept ids are left out where more kwips are newer, or where the
-- viewer's graph differs; `newer` is then NULL, and the page is exact only if it is full. Its cost does not
-- depend on the number of followees. OFFSET 0 as in network_window.sql.
-- index: kwip_everyone_by_id (id DESC), kwips_kwip_pkey (id), follow_once (follower_id, followee_id),
-- user_switched_off (id)
-- types: graph text, kept bigint[]
WITH newer AS MATERIALIZED (
    SELECT n.id, n.author_id, n.audience_id, n.visibility, n.withheld
    FROM kwips_kwip n
    WHERE n.thread_id IS NULL AND n.id > %(floor)s
    ORDER BY n.id DESC
    LIMIT %(most)s + 1
), usable AS MATERIALIZED (
    SELECT counted.number
    FROM (SELECT count(*) AS number FROM newer) counted
    WHERE counted.number <= %(most)s AND {graph} = %(graph)s
)
SELECT k.id, (SELECT usable.number FROM usable) AS newer
FROM (
    SELECT newer.id, newer.author_id, newer.audience_id, newer.visibility, newer.withheld FROM newer
    UNION ALL
    SELECT older.id, older.author_id, older.audience_id, older.visibility, older.withheld
    FROM kwips_kwip older
    WHERE older.id = ANY (%(kept)s) AND EXISTS (SELECT FROM usable)
) k
WHERE k.id {beyond} %(cursor_id)s
  AND (
        k.author_id = %(viewer)s
        OR EXISTS (
            SELECT FROM graph_follow f WHERE f.follower_id = %(viewer)s AND f.followee_id = k.author_id OFFSET 0
        )
    )
  AND ({visible})
  AND {unmuted}
  AND {switched_on}
ORDER BY k.id {order}
LIMIT %(limit)s
