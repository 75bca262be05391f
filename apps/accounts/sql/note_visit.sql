-- Notes a visit: in the list of sessions, and by when the session ends if no other visit follows. Of requests at
-- the same moment one writes: the others wait for its row, and find the new times in it. The two times are not
-- exactly alike, hence the half.
-- index: django_session_pkey (session_key), usersessions_usersession_session_key_key (session_key)
-- types: key text, now timestamptz, expires timestamptz, every interval
WITH listed AS (
    UPDATE usersessions_usersession SET last_seen_at = %(now)s
    WHERE session_key = %(key)s AND last_seen_at <= %(now)s - %(every)s
)
UPDATE django_session SET expire_date = %(expires)s
WHERE session_key = %(key)s AND expire_date <= %(expires)s - %(every)s / 2
