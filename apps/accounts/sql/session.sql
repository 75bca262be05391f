-- A session that has not expired, and the two times of its line in its user's list of sessions: none of a visitor's.
-- index: django_session_pkey (session_key), usersessions_usersession_session_key_key (session_key)
-- types: key text, now timestamptz
SELECT kept.session_data, kept.expire_date, listed.created_at, listed.last_seen_at
FROM django_session kept
LEFT JOIN usersessions_usersession listed ON listed.session_key = kept.session_key
WHERE kept.session_key = %(key)s AND kept.expire_date > %(now)s
