-- Locks both sides of the conversation of %(sender)s and %(recipient)s, in the order of their owners; creates
-- those that are missing, with newest_id 0. Returns the owner of each, whether it was unread, and newest_id.
-- index: side_once (owner_id, other_id)
INSERT INTO private_messages_side AS s (owner_id, other_id, newest_id, is_unread, has_written)
SELECT pair.owner_id, pair.other_id, 0, false, false
FROM (VALUES (%(sender)s, %(recipient)s), (%(recipient)s, %(sender)s)) AS pair (owner_id, other_id)
ORDER BY pair.owner_id
ON CONFLICT (owner_id, other_id) DO UPDATE SET newest_id = s.newest_id
RETURNING s.owner_id, s.is_unread, s.newest_id
