-- Notifies the people mentioned in the kwip or comment %(kwip)s who may see it and have no notice of it.
-- index: kwips_kwip_pkey (id), kwips_mention_pkey (kwip_id, user_id), accounts_user_pkey (id),
-- mute_once (muter_id, muted_id), notice_once (recipient_id, kind, subject, actor_id),
-- notifications_preferences_pkey (user_id)
-- types: defaults jsonb
INSERT INTO notifications_notice
    (recipient_id, kind, subject, actor_id, thread_id, kwip_id, grouping, channel, is_waiting, is_cleared)
SELECT
    p.id, 'mention', k.id, k.author_id, coalesce(k.thread_id, k.id), k.id,
    'kwip ' || coalesce(k.thread_id, k.id), chosen.channel, true, false
FROM kwips_kwip k
JOIN kwips_mention m ON m.kwip_id = k.id
JOIN accounts_user p ON p.id = m.user_id
LEFT JOIN notifications_preferences c ON c.user_id = p.id
CROSS JOIN LATERAL (SELECT coalesce(c.channels ->> 'mention', %(defaults)s ->> 'mention') AS channel) chosen
WHERE k.id = %(kwip)s
  AND p.id <> k.author_id
  AND ({wanted})
  AND chosen.channel <> 'none'
  AND NOT EXISTS (SELECT FROM graph_mute m WHERE m.muter_id = p.id AND m.muted_id = k.author_id)
  AND {visible_to_person}
ORDER BY p.id
ON CONFLICT (recipient_id, kind, subject, actor_id) DO NOTHING
RETURNING id, recipient_id, kind, channel
