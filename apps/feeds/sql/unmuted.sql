-- Whether the viewer does not mute the author of the kwip `k`. Served by mute_once (muter_id, muted_id).
-- Not a correlated NOT EXISTS: those become joins, and planning the joins takes longer than running them.
k.author_id NOT IN (SELECT m.muted_id FROM graph_mute m WHERE m.muter_id = %(viewer)s)
