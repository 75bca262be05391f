-- Fragment: the author of `k` is not limited. Followers still find such people's kwips in their networks.
-- index: user_limited (id)
k.author_id NOT IN (SELECT limited.id FROM accounts_user limited WHERE limited.is_limited)
