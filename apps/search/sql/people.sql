-- The people whose names are most like %(name)s, in folded spelling: the very user name first, then names that begin
-- with it, then by trigrams. %(end)s follows all that begins with the name.
-- index: search_person_prefix (name text_pattern_ops), search_person_trigrams (name gin_trgm_ops), accounts_user_pkey (id)
-- types: name text, end text
WITH near AS (
    (
        SELECT n.user_id, n.name
        FROM search_personname n
        WHERE n.name ~>=~ %(name)s AND n.name ~<~ %(end)s
        ORDER BY n.name USING ~<~
        LIMIT %(limit)s
    )
    UNION
    SELECT n.user_id, n.name FROM search_personname n WHERE n.name %%> %(name)s
)
SELECT u.id
FROM near
JOIN accounts_user u ON u.id = near.user_id
WHERE u.is_active
  AND NOT u.is_limited
  AND {confirmed}
  AND {person_unblocked}
ORDER BY
    u.username = %(name)s DESC,
    starts_with(near.name, %(name)s) DESC,
    word_similarity(%(name)s, near.name) DESC,
    u.followers_count DESC,
    u.id
LIMIT %(limit)s
