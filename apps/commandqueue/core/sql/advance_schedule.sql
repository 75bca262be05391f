-- Sets a recurring task's next turn. By whole intervals, so that the time of day stays; turns that passed while
-- no worker ran are skipped.
-- index: commandqueue_schedule_pkey (name)
-- types: name text
UPDATE commandqueue_schedule
SET last_command_id = coalesce(%(command_id)s, last_command_id),
    next_at = next_at + every * (1 + floor(
        extract(epoch FROM statement_timestamp() - next_at) / extract(epoch FROM every)
    ))
WHERE name = %(name)s
