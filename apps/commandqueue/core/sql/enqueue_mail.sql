-- Enqueues a message, in the sender's transaction; for several messages the row is repeated.
-- Writes the primary key and commandqueue_due.
-- index: none, it reads no row
-- types: queue_name text, backend text, priority smallint, secret boolean, lifetime float8, message_id text,
-- sender text, recipients text[], body bytea
INSERT INTO commandqueue_command (
    kind, lane, backend, priority, secret, expires_at, message_id, sender, recipients, body
) VALUES (
    'mail', %(queue_name)s, %(backend)s, %(priority)s, %(secret)s,
    statement_timestamp() + make_interval(secs => %(lifetime)s),
    %(message_id)s, %(sender)s, %(recipients)s, %(body)s
)
