-- Fragment: a text that differs whenever a kwip that was hidden from the viewer may have become visible: by a
-- new follow (ids grow, since a follow locks its follower first), by fewer mutes or blocks (a mute may end by
-- itself), by a restored author. NULL for a viewer who silences a word or tag: an edit may show an older kwip.
-- index: feeds_restoration_pkey (id), follow_follower_id (follower_id, id DESC), mute_once (muter_id, muted_id),
-- block_once (blocker_id, blocked_id), block_blocked_blocker (blocked_id, blocker_id),
-- muted_conversation_once (muter_id, kwip_id), muted_word_once (muter_id, is_tag, folded)
CASE WHEN NOT EXISTS (
    SELECT
    FROM graph_mutedword m
    WHERE m.muter_id = %(viewer)s AND NOT m.is_muffled AND (m.ends_at IS NULL OR m.ends_at > now())
) THEN concat_ws(
    '/',
    coalesce((SELECT r.number FROM feeds_restoration r WHERE r.id = 1), 0),
    coalesce(
        (SELECT f.id FROM graph_follow f WHERE f.follower_id = %(viewer)s ORDER BY f.id DESC LIMIT 1),
        0
    ),
    md5(ARRAY(
        SELECT m.muted_id
        FROM graph_mute m
        WHERE m.muter_id = %(viewer)s AND NOT m.is_muffled AND (m.ends_at IS NULL OR m.ends_at > now())
        ORDER BY m.muted_id
    )::text),
    md5(ARRAY(
        SELECT m.kwip_id
        FROM graph_mutedconversation m
        WHERE m.muter_id = %(viewer)s AND NOT m.is_muffled AND (m.ends_at IS NULL OR m.ends_at > now())
        ORDER BY m.kwip_id
    )::text),
    md5(ARRAY(SELECT b.blocked_id FROM graph_block b WHERE b.blocker_id = %(viewer)s ORDER BY b.blocked_id)::text),
    md5(ARRAY(SELECT b.blocker_id FROM graph_block b WHERE b.blocked_id = %(viewer)s ORDER BY b.blocker_id)::text)
) END
