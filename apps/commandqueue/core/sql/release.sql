-- Gives back claimed commands, so that any worker may claim them at once. ``counted`` is 1 if their attempt was
-- counted at the start and is taken back: they were not begun, or a shutdown cuts them off, with the reason.
-- state || '': the index of leased commands, which keeps the entries of all dead rows, must not look cheaper.
-- index: commandqueue_command_pkey (id)
-- types: ids bigint[], token uuid, counted integer, reason text
UPDATE commandqueue_command
SET state = 'waiting',
    token = NULL,
    lease_until = NULL,
    unanswered = greatest(unanswered - %(counted)s, 0),
    worker_ids = worker_ids[:cardinality(worker_ids) - %(counted)s],
    attempted_at = CASE WHEN cardinality(worker_ids) > %(counted)s THEN attempted_at END,
    started_at = CASE WHEN cardinality(worker_ids) > %(counted)s THEN started_at END,
    errors = CASE
        WHEN %(reason)s::text IS NULL THEN errors
        ELSE jsonb_path_query_array(
            errors || jsonb_build_object('at', statement_timestamp(), 'reason', %(reason)s::text),
            '$[last - 9 to last]'
        )
    END
WHERE id = ANY (%(ids)s) AND token = %(token)s AND state || '' = 'leased'
