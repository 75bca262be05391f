-- Deletes, of %(people)s people after %(after)s, the notices older than %(days)s days and those beyond the
-- newest %(most)s, except those that another transaction locks: the next sweep deletes them. Returns the last
-- of these people, NULL if there is none, the number of notices, and the recipients of unseen ones.
-- index: accounts_user_pkey (id), notice_list (recipient_id, id DESC), notifications_notice_pkey (id)
WITH people AS (
    SELECT u.id FROM accounts_user u WHERE u.id > %(after)s ORDER BY u.id LIMIT %(people)s
),
swept AS (
    DELETE FROM notifications_notice
    WHERE id = ANY (ARRAY(
        SELECT n.id
        FROM notifications_notice n
        WHERE n.id = ANY (ARRAY(
            SELECT n.id
            FROM people
            CROSS JOIN LATERAL (
                SELECT n.id, n.notified_at, row_number() OVER (ORDER BY n.id DESC) AS place
                FROM notifications_notice n
                WHERE n.recipient_id = people.id
            ) n
            WHERE n.place > %(most)s OR n.notified_at < now() - %(days)s * interval '1 day'
            LIMIT %(limit)s
        ))
        FOR UPDATE SKIP LOCKED
    ))
    RETURNING recipient_id, is_unseen
)
SELECT
    (SELECT max(id) FROM people),
    (SELECT count(*) FROM swept),
    ARRAY(SELECT DISTINCT recipient_id FROM swept WHERE is_unseen)
