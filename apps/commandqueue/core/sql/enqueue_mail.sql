-- Enqueues a message, in the sender's transaction; for several messages the row is repeated.
-- Index: none is read; the primary key and commandqueue_due are written.
INSERT INTO commandqueue_command (
    kind, lane, backend, priority, secret, expires_at, message_id, sender, recipients, body
) VALUES (
    'mail', %(queue_name)s, %(backend)s, %(priority)s, %(secret)s,
    statement_timestamp() + make_interval(secs => %(lifetime)s),
    %(message_id)s, %(sender)s, %(recipients)s, %(body)s
)
