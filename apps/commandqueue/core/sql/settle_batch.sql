-- Settles the batched tasks of one claim that returned, each with its result, in the transaction of the next
-- claim. By token, as settle.sql.
-- state || '': the index of leased commands, which keeps the entries of all dead rows, must not look cheaper.
-- index: commandqueue_command_pkey (id)
-- types: ids bigint[], results text[], token uuid
UPDATE commandqueue_command AS command
SET state = 'done',
    token = NULL,
    lease_until = NULL,
    finished_at = statement_timestamp(),
    unanswered = 0,
    result = done.result::jsonb
FROM unnest(%(ids)s::bigint[], %(results)s::text[]) AS done (id, result)
WHERE command.id = done.id AND command.token = %(token)s AND command.state || '' = 'leased'
RETURNING command.id
