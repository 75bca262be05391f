-- Fragment: the user name and the name of who shared, where `k` is a share; the name is empty for the viewer.
-- index: accounts_user_pkey (id)
CASE WHEN k.share_of IS NOT NULL THEN (
    SELECT ARRAY[
        u.username,
        CASE WHEN u.id = %(viewer)s THEN '' ELSE coalesce(nullif(u.display_name, ''), u.username) END
    ]::text[]
    FROM accounts_user u
    WHERE u.id = k.author_id
) END AS shared_by
