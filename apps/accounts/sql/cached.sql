-- The columns of a user that are cached, and the password for its digest. Every request of the user that misses
-- the cache reads them, as after each write that moves a counter.
-- index: accounts_user_pkey (id)
SELECT {columns} FROM accounts_user WHERE id = %(person)s
