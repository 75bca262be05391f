-- Whether the author of `k` is not switched off, for where whole people are passed over before their kwips are read;
-- the visibility predicate asks the same of each kwip. Served by user_switched_off (id).
NOT EXISTS (SELECT FROM accounts_user a WHERE a.id = k.author_id AND NOT a.is_active OFFSET 0)
