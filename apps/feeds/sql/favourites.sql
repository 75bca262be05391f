-- One person's favourites, the last added first. Served by favourite_person (user_id, id DESC) and the primary
-- key of kwips_kwip.
SELECT k.id, f.id AS favourite_id
FROM kwips_favourite f
JOIN kwips_kwip k ON k.id = f.kwip_id
WHERE f.user_id = %(person)s
  AND f.id < %(cursor_favourite_id)s
  AND ({visible})
ORDER BY f.id DESC
LIMIT %(limit)s
