-- Adds %(by)s to one counter of a user. This is also the lock of the user's row: a caller takes it before it
-- writes anything that depends on the user. Of none, none can be taken away: the caller rolls back.
-- index: accounts_user_pkey (id)
-- types: by integer
UPDATE accounts_user SET {counter} = greatest({counter} + %(by)s, 0) WHERE id = %(person)s
