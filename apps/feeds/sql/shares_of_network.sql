-- The newest %(most)s shares between two ids by the viewer and the people they follow, shown or not: what a kept first
-- page has to check again. A share that is hidden behind an earlier one appears when that one is taken back.
-- index: follow_once (follower_id, followee_id), share_person (sharer_id, id DESC)
SELECT s.id
FROM (
    SELECT f.followee_id AS id FROM graph_follow f WHERE f.follower_id = %(viewer)s
    UNION ALL
    SELECT %(viewer)s
) person
CROSS JOIN LATERAL (
    SELECT s.id
    FROM kwips_share s
    WHERE s.sharer_id = person.id AND s.id > %(above)s AND s.id <= %(upto)s
    ORDER BY s.id DESC
    LIMIT %(most)s
) s
ORDER BY s.id DESC
LIMIT %(most)s
