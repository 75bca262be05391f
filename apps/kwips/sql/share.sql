-- Shares a kwip; no row if %(person)s shares it already or wrote it, if it is a comment, deleted, or not for everyone,
-- if its author is deactivated, or if a block is between the two. The caller holds the locks of both rows, and so has a transaction id before the share
-- has an id: kept first pages depend on that, as for kwips.
-- index: share_once (kwip_id, sharer_id), kwips_kwip_pkey (id), accounts_user_pkey (id),
-- block_once (blocker_id, blocked_id), block_blocked_blocker (blocked_id, blocker_id)
WITH marked AS (
    INSERT INTO kwips_share (id, sharer_id, kwip_id, author_id)
    SELECT nextval('kwips_kwip_id_seq'), %(person)s, k.id, k.author_id
    FROM kwips_kwip k
    JOIN accounts_user a ON a.id = k.author_id AND a.is_active
    WHERE k.id = %(kwip)s
      AND k.thread_id IS NULL
      AND k.visibility = 0
      AND k.audience_id IS NULL
      AND k.withheld = 0
      AND k.author_id <> %(person)s
      AND {unblocked_by_person}
      AND NOT EXISTS (SELECT FROM kwips_share s WHERE s.kwip_id = k.id AND s.sharer_id = %(person)s)
    RETURNING sharer_id AS user_id, kwip_id
)
SELECT {marked}
