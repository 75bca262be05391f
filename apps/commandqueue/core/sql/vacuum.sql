-- Makes the space of dead rows reusable, if no other session vacuums the table. Only the table's owner may; for
-- others it is a warning, and autovacuum does the work. TRUNCATE false: returning space to the disk needs an
-- exclusive lock on the table, which is left to autovacuum.
-- index: none, all are cleaned
VACUUM (SKIP_LOCKED, TRUNCATE false, INDEX_CLEANUP true) commandqueue_command
