-- Fragment: what the events say of the kwip and the user of `marked`.
-- index: kwips_kwip_pkey (id), accounts_user_pkey (id)
k.author_id, k.thread_id, k.visibility, k.audience_id, k.version, k.favourites_count, k.shares_count,
ka.username, u.username, {tags_of}
FROM marked
JOIN kwips_kwip k ON k.id = marked.kwip_id
JOIN accounts_user ka ON ka.id = k.author_id
JOIN accounts_user u ON u.id = marked.user_id
