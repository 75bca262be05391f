-- Notifies the people mentioned in the kwip or comment %(kwip)s who may see it and have no notice of it.
-- index: kwips_kwip_pkey (id), kwips_mention_pkey (kwip_id, user_id), accounts_user_pkey (id),
-- mute_once (muter_id, muted_id), notice_once (recipient_id, kind, subject, actor_id)
INSERT INTO notifications_notice
    (recipient_id, kind, subject, actor_id, thread_id, kwip_id, grouping, is_waiting, is_cleared)
SELECT
    p.id, 'mention', k.id, k.author_id, coalesce(k.thread_id, k.id), k.id,
    'kwip ' || coalesce(k.thread_id, k.id), true, false
FROM kwips_kwip k
JOIN kwips_mention m ON m.kwip_id = k.id
JOIN accounts_user p ON p.id = m.user_id
WHERE k.id = %(kwip)s
  AND p.id <> k.author_id
  AND ({wanted})
  AND NOT EXISTS (SELECT FROM graph_mute m WHERE m.muter_id = p.id AND m.muted_id = k.author_id)
  AND {visible_to_person}
ORDER BY p.id
ON CONFLICT (recipient_id, kind, subject, actor_id) DO NOTHING
RETURNING id, recipient_id, kind
