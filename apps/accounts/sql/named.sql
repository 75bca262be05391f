-- The ids of the users with these current or former names.
-- PostgreSQL expects the same number of names, whatever their number is (`unnest`): otherwise a plan for any number
-- looks dearer than a plan for few, and it would plan each execution anew.
-- index: accounts_user_username_key (username), accounts_formername_pkey (name), account_emailaddress_user_id_2c513194 (user_id)
-- types: names text[]
SELECT u.id
FROM accounts_user u
WHERE u.username = ANY (ARRAY(SELECT unnest(%(names)s::text[])))
  AND {confirmed}
UNION
SELECT f.user_id
FROM accounts_formername f
WHERE f.name = ANY (ARRAY(SELECT unnest(%(names)s::text[]))) AND f.kept_until > now()
