-- Fragment: the author of `k` is not deactivated. For plans that skip whole people before they read their
-- kwips; the visibility predicate tests the same for each kwip.
-- index: user_switched_off (id)
NOT EXISTS (SELECT FROM accounts_user a WHERE a.id = k.author_id AND NOT a.is_active OFFSET 0)
