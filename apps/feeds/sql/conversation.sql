-- The comments on a kwip that the viewer may see, the oldest first, and how many characters of each a page shows.
-- Served by kwip_conversation_by_id (thread_id, id); the characters by the primary key of kwips_kwip.
SELECT page.id, char_length(left(comment.text, %(longest)s::int)) AS characters
FROM (
    SELECT k.id
    FROM kwips_kwip k
    WHERE k.thread_id = %(thread)s
      AND k.id > %(cursor_id)s
      AND ({visible})
      AND {thread_visible}
    ORDER BY k.id ASC
    LIMIT %(limit)s
) page
JOIN kwips_kwip comment ON comment.id = page.id
