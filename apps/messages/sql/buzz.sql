-- %(buzzer)s buzzes %(buzzed)s, unless they did within %(hours)s hours. Returns a row if it is a buzz.
-- index: buzz_once (buzzer_id, buzzed_id)
-- types: hours double precision
INSERT INTO private_messages_buzz AS b (buzzer_id, buzzed_id)
VALUES (%(buzzer)s, %(buzzed)s)
ON CONFLICT (buzzer_id, buzzed_id) DO UPDATE SET buzzed_at = now()
WHERE b.buzzed_at <= now() - %(hours)s * interval '1 hour'
RETURNING b.id
