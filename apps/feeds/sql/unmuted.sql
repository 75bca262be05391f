-- Fragment: the viewer does not silence the author of the kwip `k`. Not a correlated NOT EXISTS: PostgreSQL
-- turns those into joins, and planning the joins takes longer than running them.
-- index: mute_once (muter_id, muted_id)
k.author_id NOT IN (
    SELECT m.muted_id
    FROM graph_mute m
    WHERE m.muter_id = %(viewer)s AND NOT m.is_muffled AND (m.ends_at IS NULL OR m.ends_at > now())
)
