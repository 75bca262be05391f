-- Fragment: where `k` is a share (`share_of` is its kwip, `author_id` the sharer), the network shows it: if the viewer
-- may see the kwip now and it is for everyone, if its author is not in the network, if neither is muted, and if no one in the
-- network shared it earlier. Of a kwip with many shares, those of the network are looked up one by one: whatever is
-- fewer bounds the cost (`+ 0` has PostgreSQL take the index by kwip).
-- index: kwips_kwip_pkey (id), follow_once (follower_id, followee_id), share_once (kwip_id, sharer_id), user_switched_off (id)
CASE
    WHEN k.share_of IS NULL THEN true
    WHEN k.of_author = %(viewer)s THEN false
    WHEN EXISTS (
        SELECT FROM graph_follow f WHERE f.follower_id = %(viewer)s AND f.followee_id = k.of_author OFFSET 0
    ) THEN false
    ELSE EXISTS (
        SELECT
        FROM kwips_kwip shared
        WHERE shared.id = k.share_of
          AND shared.visibility = 0
          AND shared.audience_id IS NULL
          AND {shared_visible}
          AND {shared_unmuted}
          AND {shared_unsilenced}
          AND {shared_switched_on}
          AND CASE
            WHEN shared.shares_count <= 500 THEN NOT EXISTS (
                SELECT
                FROM kwips_share earlier
                WHERE earlier.kwip_id = k.share_of
                  AND earlier.id < k.place
                  AND {earlier_in_network}
                  AND {earlier_unblocked}
                  AND {earlier_unmuted}
                  AND {earlier_switched_on}
                OFFSET 0
            )
            ELSE NOT EXISTS (
                SELECT
                FROM (
                    SELECT f.followee_id AS author_id FROM graph_follow f WHERE f.follower_id = %(viewer)s
                    UNION ALL
                    SELECT %(viewer)s
                ) person
                WHERE EXISTS (
                    SELECT
                    FROM kwips_share earlier
                    WHERE earlier.kwip_id = k.share_of
                      AND earlier.sharer_id = person.author_id
                      AND earlier.id + 0 < k.place
                    OFFSET 0
                  )
                  AND {person_unblocked}
                  AND {person_unmuted}
                  AND {person_switched_on}
                OFFSET 0
            )
        END
        OFFSET 0
    )
END
