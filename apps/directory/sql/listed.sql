-- Fragment: lists of people show the person `u` to the viewer: active, not limited, with a confirmed address,
-- no block between the two, and not muted.
-- index: block_once (blocker_id, blocked_id), block_blocked_blocker (blocked_id, blocker_id), mute_once (muter_id, muted_id)
u.is_active
AND NOT u.is_limited
AND {person_unblocked}
AND {person_unmuted}
AND {confirmed}
