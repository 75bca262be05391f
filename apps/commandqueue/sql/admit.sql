-- Takes one message's share of a mailer's daily cap and rate, or tells how long to wait for it: 0 is "go".
-- One row a mailer, locked for the length of this statement. Index: the primary key.
WITH admitted AS (
    INSERT INTO commandqueue_allowance AS allowance (mailer, day, used, next_at)
    SELECT %(mailer)s, (statement_timestamp() AT TIME ZONE 'UTC')::date, %(share)s,
        statement_timestamp() + make_interval(secs => %(pause)s)
    ON CONFLICT (mailer) DO UPDATE
    SET day = excluded.day,
        used = excluded.used + CASE WHEN allowance.day = excluded.day THEN allowance.used ELSE 0 END,
        next_at = excluded.next_at
    WHERE allowance.next_at <= statement_timestamp()
      AND (allowance.day <> excluded.day OR allowance.used < %(cap)s)
    RETURNING mailer
)
SELECT CASE
    WHEN EXISTS (SELECT FROM admitted) THEN 0
    ELSE (
        SELECT greatest(
            0.01,
            extract(epoch FROM next_at - statement_timestamp()),
            CASE WHEN day = (statement_timestamp() AT TIME ZONE 'UTC')::date AND used >= %(cap)s
                THEN extract(epoch FROM (day + 1)::timestamp AT TIME ZONE 'UTC' - statement_timestamp())
            END
        )
        FROM commandqueue_allowance
        WHERE mailer = %(mailer)s
    )
END
