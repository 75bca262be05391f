-- Writes both copies of a message of %(sender)s to %(recipient)s, unless one of them has this form key, and
-- deletes of each person's copies those beyond the newest %(kept)s, one of which is new. Returns a row for each
-- side: its owner, and whether it is unread. A person who muted the sender gets no unread mark.
-- The caller has locked both sides (lock.sql).
-- index: message_form_key_once (other_id, owner_id, is_mine, form_key), message_conversation (owner_id, other_id,
-- id DESC), private_messages_message_pkey (id), side_once (owner_id, other_id), mute_once (muter_id, muted_id)
-- types: text text, form_key uuid
WITH pair (owner_id, other_id, is_mine) AS (
    VALUES (%(sender)s, %(recipient)s, true), (%(recipient)s, %(sender)s, false)
),
copies AS (
    INSERT INTO private_messages_message (owner_id, other_id, is_mine, text, form_key)
    SELECT pair.owner_id, pair.other_id, pair.is_mine, %(text)s, %(form_key)s::uuid
    FROM pair
    WHERE NOT EXISTS (
        SELECT
        FROM private_messages_message m
        JOIN pair ON pair.owner_id = m.owner_id AND pair.other_id = m.other_id AND pair.is_mine = m.is_mine
        WHERE m.form_key = %(form_key)s::uuid
    )
    RETURNING id, owner_id, other_id, is_mine
),
trimmed AS (
    DELETE FROM private_messages_message
    WHERE id IN (
        SELECT old.id
        FROM pair
        CROSS JOIN LATERAL (
            SELECT m.id
            FROM private_messages_message m
            WHERE m.owner_id = pair.owner_id AND m.other_id = pair.other_id
            ORDER BY m.id DESC
            OFFSET %(kept)s - 1
        ) old
    )
)
UPDATE private_messages_side s
SET
    newest_id = copies.id,
    has_written = s.has_written OR copies.is_mine,
    is_unread = s.is_unread OR NOT (copies.is_mine OR EXISTS (
        SELECT
        FROM graph_mute m
        WHERE m.muter_id = copies.owner_id AND m.muted_id = copies.other_id AND (m.ends_at IS NULL OR m.ends_at > now())
    ))
FROM copies
WHERE s.owner_id = copies.owner_id AND s.other_id = copies.other_id
RETURNING s.owner_id, s.is_unread
