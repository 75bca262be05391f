-- Sending quota: takes one message's share of a mailer's daily cap and rate. Returns 0 if it was taken, else
-- the seconds to wait before asking again. Run before the attempt of a message whose mailer has a limit.
-- One row a mailer, locked for this statement only, so that all workers share the limit.
-- index: commandqueue_allowance_pkey (mailer)
-- types: mailer text, share integer, pause float8, cap integer
WITH taken AS (
    INSERT INTO commandqueue_allowance AS quota (mailer, day, used, next_at)
    SELECT %(mailer)s, (statement_timestamp() AT TIME ZONE 'UTC')::date, %(share)s,
        statement_timestamp() + make_interval(secs => %(pause)s)
    ON CONFLICT (mailer) DO UPDATE
    SET day = excluded.day,
        used = excluded.used + CASE WHEN quota.day = excluded.day THEN quota.used ELSE 0 END,
        next_at = excluded.next_at
    WHERE quota.next_at <= statement_timestamp()
      AND (quota.day <> excluded.day OR quota.used < %(cap)s)
    RETURNING mailer
)
SELECT CASE
    WHEN EXISTS (SELECT FROM taken) THEN 0
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
