-- Puts a message into the queue; several at once repeat the row. Index: all are written to.
INSERT INTO commandqueue_command (
    kind, lane, backend, priority, secret, expires_at, message_id, sender, recipients, body
) VALUES (
    'mail', %(lane)s, %(backend)s, %(priority)s, %(secret)s,
    statement_timestamp() + make_interval(secs => %(lifetime)s),
    %(message_id)s, %(sender)s, %(recipients)s, %(body)s
)
