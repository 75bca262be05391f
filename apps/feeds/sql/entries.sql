-- What every timeline gives of the ids that it found: with the versions that the keys of their cards need.
-- {ids} is the timeline, {order} its order. Served by the primary keys of kwips_kwip and accounts_user.
SELECT page.*, kwip.version, author.version AS author_version
FROM ({ids}) AS page
JOIN kwips_kwip AS kwip ON kwip.id = page.id
JOIN accounts_user AS author ON author.id = kwip.author_id
ORDER BY {order}
