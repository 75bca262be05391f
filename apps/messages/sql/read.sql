-- %(viewer)s opens the conversation with %(other)s. Returns whether it was unread, and whether others are.
-- index: side_once (owner_id, other_id), side_unread (owner_id), accounts_user_pkey (id)
WITH opened AS (
    UPDATE private_messages_side
    SET is_unread = false
    WHERE owner_id = %(viewer)s AND other_id = %(other)s AND is_unread
    RETURNING id
)
SELECT
    EXISTS (SELECT FROM opened),
    EXISTS (
        SELECT
        FROM private_messages_side s
        JOIN accounts_user u ON u.id = s.other_id AND u.is_active
        WHERE s.owner_id = %(viewer)s AND s.is_unread AND s.other_id <> %(other)s
    )
