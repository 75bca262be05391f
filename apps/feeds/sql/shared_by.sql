-- Fragment: the user name and the name of who shared, where `k` is a share.
-- index: accounts_user_pkey (id)
CASE WHEN k.share_of IS NOT NULL THEN (
    SELECT ARRAY[u.username, coalesce(nullif(u.display_name, ''), u.username)]::text[]
    FROM accounts_user u
    WHERE u.id = k.author_id
) END AS shared_by
