-- The tags that people used most in the last %(days)s days, of the newest %(window)s kwips. A person counts once
-- a day for a tag. A tag of one person alone is left out.
-- index: kwip_everyone_by_id (id DESC), kwips_kwiptag_kwip_id_a2123aac (kwip_id), accounts_user_pkey (id)
SELECT used.tag_id
FROM (
    SELECT DISTINCT t.tag_id, k.author_id, (k.created_at AT TIME ZONE 'UTC')::date AS day
    FROM (
        SELECT n.author_id, n.audience_id, n.visibility, n.withheld, n.created_at, n.id
        FROM kwips_kwip n
        WHERE n.thread_id IS NULL
        ORDER BY n.id DESC
        LIMIT %(window)s
    ) k
    JOIN kwips_kwiptag t ON t.kwip_id = k.id
    WHERE k.created_at > now() - make_interval(days => %(days)s::int) AND ({visible})
) used
CROSS JOIN LATERAL (SELECT person.* FROM accounts_user person WHERE person.id = used.author_id OFFSET 0) u
WHERE {listed}
GROUP BY used.tag_id
HAVING count(DISTINCT used.author_id) > 1
ORDER BY count(*) DESC, used.tag_id
LIMIT %(limit)s
