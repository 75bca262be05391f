-- Where mail to %(person)s goes, and what they chose; no row if they get no mail: switched off, address not
-- confirmed, or refused by its server %(most)s times in a row. `is_silenced` is whether they stopped to track
-- the conversation %(thread)s.
-- index: accounts_user_pkey (id), notifications_preferences_pkey (user_id), account_emailaddress_user_id_2c513194 (user_id),
-- kwips_track_pkey (kwip_id, user_id)
SELECT
    u.email,
    u.language,
    coalesce(c.channels, '{}'::jsonb) AS channels,
    coalesce(c.digest, 'daily') AS digest,
    EXISTS (
        SELECT FROM kwips_track t WHERE t.kwip_id = %(thread)s AND t.user_id = u.id AND NOT t.is_on
    ) AS is_silenced
FROM accounts_user u
LEFT JOIN notifications_preferences c ON c.user_id = u.id
WHERE u.id = %(person)s
  AND u.is_active
  AND EXISTS (
    SELECT FROM account_emailaddress e
    WHERE e.user_id = u.id AND e.verified AND lower(e.email) = lower(u.email)
  )
  AND NOT (coalesce(c.refusals, 0) >= %(most)s AND c.refused_address = u.email)
