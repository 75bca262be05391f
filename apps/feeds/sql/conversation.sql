-- The comments on a kwip that the viewer may see and does not silence, oldest first, and how many characters of each a page shows.
-- index: kwip_conversation_by_id (thread_id, id), kwips_kwip_pkey (id)
SELECT page.id, char_length(left(comment.text, %(longest)s::int)) AS characters
FROM (
    SELECT k.id
    FROM kwips_kwip k
    WHERE k.thread_id = %(thread)s
      AND k.id {beyond} %(cursor_id)s
      AND ({visible})
      AND {thread_visible}
      AND {unmuted}
      AND {unsilenced_comments}
    ORDER BY k.id {order}
    LIMIT %(limit)s
) page
JOIN kwips_kwip comment ON comment.id = page.id
