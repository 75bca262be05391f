-- Gives back claimed commands that were not started: no attempt is counted, any worker may claim them.
-- index: commandqueue_command_pkey (id)
-- types: ids bigint[], token uuid
UPDATE commandqueue_command
SET state = 'waiting', token = NULL, lease_until = NULL
WHERE id = ANY (%(ids)s) AND token = %(token)s AND state = 'leased'
