-- Fragment: `written`, the new notices of the kwip or comment `made`, for those who are `due` and may see it,
-- {if_few}, and mute nothing of it (`tagged` are its tags); with the channel that each chose, else the {default}. Sorted, so that two statements cannot deadlock.
-- index: accounts_user_pkey (id), mute_once (muter_id, muted_id), notice_once (recipient_id, kind, subject, actor_id),
-- notifications_preferences_pkey (user_id), muted_conversation_once (muter_id, kwip_id)
written AS (
    INSERT INTO notifications_notice AS n
        (recipient_id, kind, subject, actor_id, thread_id, kwip_id, grouping, channel, is_waiting, is_cleared)
    SELECT
        p.id, due.kind, due.subject, due.actor_id, coalesce(k.thread_id, k.id), k.id,
        'kwip ' || coalesce(k.thread_id, k.id), chosen.channel, true, false
    FROM made k
    CROSS JOIN due
    JOIN accounts_user p ON p.id = due.user_id
    LEFT JOIN notifications_preferences c ON c.user_id = p.id
    CROSS JOIN LATERAL (SELECT coalesce(c.channels ->> due.kind, {default}) AS channel) chosen
    WHERE {if_few}
      AND p.id <> k.author_id
      AND ({wanted})
      AND chosen.channel <> 'none'
      AND NOT EXISTS (
        SELECT FROM graph_mute m WHERE m.muter_id = p.id AND m.muted_id = k.author_id AND (m.ends_at IS NULL OR m.ends_at > now())
      )
      AND NOT EXISTS (
        SELECT
        FROM graph_mutedconversation m
        WHERE m.muter_id = p.id AND m.kwip_id = coalesce(k.thread_id, k.id) AND (m.ends_at IS NULL OR m.ends_at > now())
      )
      AND {unworded_to_person}
      AND {visible_to_person}
    ORDER BY p.id
    ON CONFLICT (recipient_id, kind, subject, actor_id) DO UPDATE
    SET
        id = excluded.id, kwip_id = excluded.kwip_id, notified_at = now(), channel = excluded.channel,
        is_unseen = true, is_waiting = true, is_cleared = false
    WHERE n.kind <> 'mention' AND NOT n.is_waiting
    RETURNING n.id, n.recipient_id, n.kind, n.channel
)
