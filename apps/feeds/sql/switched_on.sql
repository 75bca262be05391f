-- Whether the author of `k` is not switched off: the network skips such people instead of reading past all their
-- withheld kwips. Served by user_switched_off (id).
NOT EXISTS (SELECT FROM accounts_user a WHERE a.id = k.author_id AND NOT a.is_active OFFSET 0)
