-- Locks the recurring tasks that are due until the end of the transaction, which enqueues them; those that
-- another worker has locked are skipped, so that each turn is enqueued once.
-- index: none, the table has a handful of rows
SELECT name FROM commandqueue_schedule
WHERE enabled AND next_at <= statement_timestamp()
FOR UPDATE SKIP LOCKED
