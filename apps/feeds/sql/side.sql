-- The right column of a first page: of the people %(around)s, in their order, the first %(faces)s whom this viewer may
-- come across; and what apps above add ({more}).
-- index: accounts_user_pkey (id), block_once (blocker_id, blocked_id), block_blocked_blocker (blocked_id, blocker_id),
-- mute_once (muter_id, muted_id)
-- types: around bigint[]
WITH face AS (
    SELECT
        'face' AS section,
        k.place,
        u.username::text,
        coalesce(nullif(u.display_name, ''), u.username)::text AS name,
        coalesce(nullif(u.avatar, ''), u.face)::text,
        0::bigint AS kwip_id,
        NULL::timestamptz AS since,
        false AS is_formatted
    FROM unnest(%(around)s::bigint[]) WITH ORDINALITY AS k (author_id, place)
    JOIN accounts_user u ON u.id = k.author_id
    WHERE u.is_active
      AND NOT u.is_limited
      AND u.id <> %(viewer)s
      AND {unblocked}
      AND k.author_id NOT IN (
          SELECT m.muted_id
          FROM graph_mute m
          WHERE m.muter_id = %(viewer)s AND (m.ends_at IS NULL OR m.ends_at > now())
      )
    ORDER BY k.place
    LIMIT %(faces)s
)
SELECT * FROM face
{more}
ORDER BY section, place
