-- The kwip or comment with a form key, and whether it is deleted. A deletion moves the key to the tombstone.
-- index: kwip_form_key_once (author_id, form_key), kwips_tombstone_author_id_4bb59f95 (author_id)
-- types: form_key uuid
SELECT id, false AS is_deleted FROM kwips_kwip WHERE author_id = %(author)s AND form_key = %(form_key)s
UNION ALL
SELECT kwip_id, true FROM kwips_tombstone WHERE author_id = %(author)s AND form_key = %(form_key)s
