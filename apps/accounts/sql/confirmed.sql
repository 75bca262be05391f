-- Fragment: whether the user `u` confirmed an address. Those of an earlier release who never did are left out
-- of names, as by `queries.UNCONFIRMED`.
-- index: account_emailaddress_user_id_2c513194 (user_id)
NOT (
    u.last_login IS NULL AND NOT u.is_staff AND NOT u.is_superuser
    AND EXISTS (
        SELECT FROM account_emailaddress e WHERE e.user_id = u.id AND NOT e.verified AND e.primary OFFSET 0
    )
    AND NOT EXISTS (SELECT FROM account_emailaddress e WHERE e.user_id = u.id AND e.verified OFFSET 0)
)
