-- Deletes, of the conversations of %(owner)s, those beyond the newest %(most)s, with the owner's messages. A
-- conversation that another transaction has locked is left to the next time.
-- index: side_list (owner_id, newest_id DESC), message_conversation (owner_id, other_id, id DESC),
-- private_messages_side_pkey (id)
WITH oldest AS (
    SELECT s.id
    FROM private_messages_side s
    WHERE s.owner_id = %(owner)s AND s.newest_id > 0
    ORDER BY s.newest_id DESC
    OFFSET %(most)s
    FOR UPDATE SKIP LOCKED
),
forgotten AS (
    DELETE FROM private_messages_side WHERE id IN (SELECT id FROM oldest) RETURNING other_id
)
DELETE FROM private_messages_message
WHERE owner_id = %(owner)s AND other_id IN (SELECT other_id FROM forgotten)
