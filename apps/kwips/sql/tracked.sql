-- What %(user)s chose for the conversation of %(kwip)s, the newest comment that they saw there, when, whether
-- someone else wrote a later one, which they may not be able to see; and whether they pinned the kwip. One row;
-- its beginning is NULL if they chose and saw nothing.
-- index: kwips_track_pkey (kwip_id, user_id), kwip_conversation_by_id (thread_id, id), kwips_pin_pkey (person_id)
SELECT
    t.is_on,
    t.seen_id,
    t.seen_at,
    EXISTS (
        SELECT FROM kwips_kwip c
        WHERE c.thread_id = t.kwip_id AND c.id > t.seen_id AND c.author_id <> t.user_id
    ),
    EXISTS (SELECT FROM kwips_pin p WHERE p.person_id = %(user)s AND p.kwip_id = %(kwip)s)
FROM (SELECT) one
LEFT JOIN kwips_track t ON t.kwip_id = %(kwip)s AND t.user_id = %(user)s
