-- Dead rows by PostgreSQL's own count, a second or so old. Index: none, it is in memory.
SELECT pg_stat_get_dead_tuples('commandqueue_command'::regclass)
