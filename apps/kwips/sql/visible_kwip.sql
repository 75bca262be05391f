-- A kwip or comment with its author and thread; no row if %(viewer)s may not see it. The authors' state is read
-- too: older kwips of an author who was just switched off may not be withheld yet.
-- index: kwips_kwip_pkey (id), accounts_user_pkey (id)
SELECT
    k.id, k.author_id, k.thread_id, k.text, k.content_note, k.is_formatted, k.visibility, k.audience_id,
    a.username, t.author_id, ta.username
FROM kwips_kwip k
JOIN accounts_user a ON a.id = k.author_id AND a.is_active
LEFT JOIN kwips_kwip t ON t.id = k.thread_id
LEFT JOIN accounts_user ta ON ta.id = t.author_id
WHERE k.id = %(kwip)s AND (k.thread_id IS NULL OR ta.is_active) AND {visible} AND {thread_visible}
