-- A page of the conversations of %(viewer)s, by their newest message, of which it has the beginning. Without
-- those with people who are switched off.
-- index: side_list (owner_id, newest_id DESC), accounts_user_pkey (id), private_messages_message_pkey (id)
SELECT
    s.newest_id,
    u.username,
    coalesce(nullif(u.display_name, ''), u.username),
    coalesce(nullif(u.avatar, ''), u.face),
    s.is_unread,
    m.is_mine,
    left(m.text, 632),
    m.sent_at
FROM private_messages_side s
JOIN accounts_user u ON u.id = s.other_id AND u.is_active
JOIN private_messages_message m ON m.id = s.newest_id
WHERE s.owner_id = %(viewer)s AND s.newest_id {beyond} %(cursor_id)s
ORDER BY s.newest_id {order}
LIMIT %(limit)s
