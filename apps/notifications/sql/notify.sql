-- Notifies %(recipients)s of one fact, except its actor, and those with a block or mute between. An existing notice stays as it is; if the kind is
-- %(repeated)s, it becomes new again; one that was mailed and is unseen is not mailed again. A new id puts it
-- first.
-- index: accounts_user_pkey (id), mute_once (muter_id, muted_id), notice_once (recipient_id, kind, subject, actor_id),
-- notifications_preferences_pkey (user_id), muted_conversation_once (muter_id, kwip_id),
-- block_once (blocker_id, blocked_id)
-- types: recipients bigint[], kind text, grouping text, channel text, repeated boolean
WITH written AS (
    INSERT INTO notifications_notice AS n
        (recipient_id, kind, subject, actor_id, thread_id, kwip_id, grouping, channel, is_waiting, is_cleared)
    SELECT
        p.id, %(kind)s, %(subject)s, %(actor)s, %(thread)s, %(kwip)s, %(grouping)s, chosen.channel, false, false
    FROM accounts_user p
    LEFT JOIN notifications_preferences c ON c.user_id = p.id
    CROSS JOIN LATERAL (SELECT coalesce(c.channels ->> %(kind)s, %(channel)s) AS channel) chosen
    WHERE p.id = ANY (%(recipients)s)
      AND p.id IS DISTINCT FROM %(actor)s
      AND ({wanted})
      AND chosen.channel <> 'none'
      AND NOT EXISTS (
        SELECT FROM graph_mute m WHERE m.muter_id = p.id AND m.muted_id = %(actor)s AND (m.ends_at IS NULL OR m.ends_at > now())
      )
      AND NOT EXISTS (
        SELECT FROM graph_mutedconversation m WHERE m.muter_id = p.id AND m.kwip_id = %(thread)s AND (m.ends_at IS NULL OR m.ends_at > now())
      )
      AND NOT EXISTS (SELECT FROM graph_block b WHERE b.blocker_id = p.id AND b.blocked_id = %(actor)s)
      AND NOT EXISTS (SELECT FROM graph_block b WHERE b.blocker_id = %(actor)s AND b.blocked_id = p.id)
    ORDER BY p.id
    ON CONFLICT (recipient_id, kind, subject, actor_id) DO UPDATE
    SET
        id = excluded.id, notified_at = now(), grouping = excluded.grouping,
        is_unseen = true, is_cleared = false,
        channel = CASE WHEN n.channel = 'sent' AND n.is_unseen THEN 'sent' ELSE excluded.channel END
    WHERE %(repeated)s
    RETURNING n.id, n.recipient_id, n.kind, n.channel
)
SELECT {new}
