-- Fragment: the author of `k` is not deactivated. The network's plan 2 skips such people instead of reading past
-- all their withheld kwips.
-- index: user_switched_off (id)
NOT EXISTS (SELECT FROM accounts_user a WHERE a.id = k.author_id AND NOT a.is_active OFFSET 0)
