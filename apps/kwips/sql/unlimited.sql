-- Fragment: the author of `k` is not limited by a moderator. For what everyone comes across: followers see the
-- kwips in their networks and on the author's page.
-- index: user_limited (id)
k.author_id NOT IN (SELECT u.id FROM accounts_user u WHERE u.is_limited)
