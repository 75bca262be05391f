-- Only its owner may; others are told by a warning, and autovacuum does it. Giving room back to the disk needs
-- a lock that stops everybody: that is left to autovacuum too. Index: all are cleaned.
VACUUM (SKIP_LOCKED, TRUNCATE false, INDEX_CLEANUP true) commandqueue_command
