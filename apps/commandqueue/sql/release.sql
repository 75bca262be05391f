-- Gives leased commands back, not begun: nothing was attempted, so nothing is counted. Index: the primary key.
UPDATE commandqueue_command
SET state = 'waiting', token = NULL, lease_until = NULL
WHERE id = ANY (%(ids)s) AND token = %(token)s AND state = 'leased'
