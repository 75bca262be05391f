-- As shares_of_network.sql, where few shares are between the two ids: of all these.
-- index: kwips_share_pkey (id), follow_once (follower_id, followee_id)
SELECT k.id
FROM (
    SELECT s.id, s.sharer_id AS author_id
    FROM kwips_share s
    WHERE s.id > %(above)s AND s.id <= %(upto)s
    ORDER BY s.id DESC
    LIMIT %(most)s
) k
WHERE {in_network}
