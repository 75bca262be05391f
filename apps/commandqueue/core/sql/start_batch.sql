-- Starts the batched tasks of a claim, in its transaction: their leases last for their time limit, and an attempt
-- is counted for each.
-- state || '': the index of leased commands, which keeps the entries of all dead rows, must not look cheaper.
-- index: commandqueue_command_pkey (id)
-- types: ids bigint[], token uuid, worker text, lease float8
UPDATE commandqueue_command
SET lease_until = statement_timestamp() + make_interval(secs => %(lease)s),
    attempted_at = statement_timestamp(),
    started_at = coalesce(started_at, statement_timestamp()),
    worker_ids = worker_ids || %(worker)s::text,
    unanswered = unanswered + 1
WHERE id = ANY (%(ids)s) AND token = %(token)s AND state || '' = 'leased'
RETURNING id, worker_ids, message_id, sender, recipients, refused, body,
    task, arguments, priority, created_at, run_after, started_at, attempted_at, errors
