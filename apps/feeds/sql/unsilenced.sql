-- Fragment: the viewer silences neither the conversation {talk} of the kwip `k` nor a word or tag of it. A kwip of their
-- own is always shown.
-- index: muted_conversation_once (muter_id, kwip_id)
(
    k.author_id = %(viewer)s
    OR (
        {talk} NOT IN (
            SELECT m.kwip_id
            FROM graph_mutedconversation m
            WHERE m.muter_id = %(viewer)s AND NOT m.is_muffled AND (m.ends_at IS NULL OR m.ends_at > now())
        )
        AND {unworded}
    )
)
