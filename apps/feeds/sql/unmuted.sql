-- Whether the viewer does not mute the author of the kwip `k`. Served by mute_once (muter_id, muted_id).
NOT EXISTS (
    SELECT FROM graph_mute m WHERE m.muter_id = %(viewer)s AND m.muted_id = k.author_id
)
