-- Appends to a command's errors without changing its state: where a task hangs, after its lease has ended.
-- index: commandqueue_command_pkey (id)
-- types: error jsonb
UPDATE commandqueue_command
SET errors = jsonb_path_query_array(
    errors || (jsonb_build_object('at', statement_timestamp()) || %(error)s::jsonb), '$[last - 9 to last]'
)
WHERE id = %(id)s
