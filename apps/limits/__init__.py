"""Rate limits in PostgreSQL. Today: the table that holds allauth's own, which must not live in memcached."""
