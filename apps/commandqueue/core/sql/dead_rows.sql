-- The number of dead rows, as PostgreSQL's statistics count them (about a second late), to decide on vacuum.sql.
-- index: none, the statistics are in memory
SELECT pg_stat_get_dead_tuples('commandqueue_command'::regclass)
