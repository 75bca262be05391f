-- How many kwips of %(person)s the viewer may see, of the newest %(most)s: in each month of the last twelve, and
-- on each day of the week and in each hour of the day within these.
-- index: kwip_person_by_id (author_id, id DESC)
SELECT written.month, written.weekday, written.hour, count(*)
FROM (
    SELECT
        date_trunc('month', k.created_at AT TIME ZONE 'UTC')::date AS month,
        extract(isodow FROM k.created_at AT TIME ZONE 'UTC')::int AS weekday,
        extract(hour FROM k.created_at AT TIME ZONE 'UTC')::int AS hour
    FROM (
        SELECT n.author_id, n.audience_id, n.visibility, n.withheld, n.created_at
        FROM kwips_kwip n
        WHERE n.author_id = %(person)s AND n.thread_id IS NULL
        ORDER BY n.id DESC
        LIMIT %(most)s
    ) k
    WHERE k.created_at AT TIME ZONE 'UTC' >= date_trunc('month', now() AT TIME ZONE 'UTC') - interval '11 months'
      AND ({visible})
) written
GROUP BY GROUPING SETS ((written.month), (written.weekday), (written.hour))
