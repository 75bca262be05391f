-- The kwips in a range of ids that an anonymous visitor may see, for the sitemap.
-- index: kwip_everyone_by_id (id DESC), user_limited (id)
SELECT k.id, author.username, greatest(k.last_active_at, k.edited_at)
FROM kwips_kwip k
JOIN accounts_user author ON author.id = k.author_id
WHERE k.thread_id IS NULL
  AND k.id >= %(start)s
  AND k.id < %(end)s
  AND ({visible})
  AND {unlimited}
ORDER BY k.id
