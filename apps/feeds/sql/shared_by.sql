-- Fragment: the user name and the name of who shared, where `k` is a share, and whether the viewer muffles them; the
-- name is empty for the viewer.
-- index: accounts_user_pkey (id), mute_once (muter_id, muted_id)
CASE WHEN k.share_of IS NOT NULL THEN (
    SELECT ARRAY[
        u.username,
        CASE WHEN u.id = %(viewer)s THEN '' ELSE coalesce(nullif(u.display_name, ''), u.username) END,
        CASE WHEN u.id IN (
            SELECT m.muted_id
            FROM graph_mute m
            WHERE m.muter_id = %(viewer)s AND m.is_muffled AND (m.ends_at IS NULL OR m.ends_at > now())
        ) THEN 'muffled' ELSE '' END
    ]::text[]
    FROM accounts_user u
    WHERE u.id = k.author_id
) END AS shared_by
