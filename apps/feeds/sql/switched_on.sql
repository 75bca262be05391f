-- Fragment: the author of `k` is not deactivated. Older kwips of such people may not be withheld yet,
-- and the network's plan 2 need not read past all that are.
-- index: user_switched_off (id)
NOT EXISTS (SELECT FROM accounts_user a WHERE a.id = k.author_id AND NOT a.is_active OFFSET 0)
