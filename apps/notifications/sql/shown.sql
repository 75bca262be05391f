-- Fragment: joins to a notice `n` of %(viewer)s its actor and the kwip or comment `place` that it leads to,
-- and drops what they are not shown: what is deleted, withheld or not for them, by people whom they mute, who
-- are switched off, or who took it back ({still}). A notice of comments leads to the first comment that is
-- still there.
-- index: accounts_user_pkey (id), kwips_kwip_pkey (id), kwip_conversation_by_id (thread_id, id)
LEFT JOIN LATERAL (
    SELECT k.id, k.author_id
    FROM kwips_kwip k
    WHERE k.id = n.kwip_id AND n.kind NOT IN ('comment', 'tracked') AND {visible}
    UNION ALL
    (
        SELECT k.id, k.author_id
        FROM kwips_kwip k
        WHERE k.thread_id = n.thread_id
          AND k.id >= n.kwip_id
          AND n.kind IN ('comment', 'tracked')
          AND k.author_id <> %(viewer)s
          AND {visible}
          AND k.author_id IN (SELECT u.id FROM accounts_user u WHERE u.id = k.author_id AND u.is_active)
          AND k.author_id NOT IN (SELECT m.muted_id FROM graph_mute m WHERE m.muter_id = %(viewer)s)
        ORDER BY k.id
        LIMIT 1
    )
) place ON n.kwip_id IS NOT NULL
LEFT JOIN accounts_user actor ON actor.id = coalesce(n.actor_id, place.author_id)
WHERE (n.kwip_id IS NULL) = (place.id IS NULL)
  AND (actor.id IS NULL OR actor.is_active)
  AND (actor.id IS NULL OR actor.id NOT IN (
    SELECT m.muted_id FROM graph_mute m WHERE m.muter_id = %(viewer)s
    UNION ALL
    SELECT b.blocked_id FROM graph_block b WHERE b.blocker_id = %(viewer)s
    UNION ALL
    SELECT b.blocker_id FROM graph_block b WHERE b.blocked_id = %(viewer)s
  ))
  AND ({still})
