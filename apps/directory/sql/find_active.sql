-- Who wrote for everyone on the most of the last %(days)s days, of the newest %(window)s kwips.
-- index: kwip_everyone_by_id (id DESC), accounts_user_pkey (id)
SELECT written.author_id
FROM (
    SELECT k.author_id, count(DISTINCT (k.created_at AT TIME ZONE 'UTC')::date) AS days, max(k.id) AS newest
    FROM (
        SELECT n.author_id, n.audience_id, n.visibility, n.withheld, n.created_at, n.id
        FROM kwips_kwip n
        WHERE n.thread_id IS NULL
        ORDER BY n.id DESC
        LIMIT %(window)s
    ) k
    WHERE k.created_at > now() - make_interval(days => %(days)s::int) AND ({visible})
    GROUP BY k.author_id
) written
CROSS JOIN LATERAL (SELECT person.* FROM accounts_user person WHERE person.id = written.author_id OFFSET 0) u
WHERE {listed}
ORDER BY written.days DESC, written.newest DESC
LIMIT %(limit)s
