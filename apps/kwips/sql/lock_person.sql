-- The lock of a person's row: what depends on how many rows a person has is decided one after the other.
-- index: accounts_user_pkey (id)
SELECT FROM accounts_user WHERE id = %(person)s FOR NO KEY UPDATE
