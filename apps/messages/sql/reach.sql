-- What %(viewer)s may send to %(person)s: whether the person follows the viewer, a block is between them, what
-- the person takes, whether each has the conversation (the person: wrote in it), whether the person is silent,
-- and was buzzed by the viewer within %(hours)s hours. And whether the viewer follows the person or asks to, and
-- blocks or mutes them, for the page that shows all of it. No row if the person is switched off or deleted.
-- Silent: neither a kwip nor a comment that the viewer may see in the last %(days)s days, among the newest of
-- each; and not new. What the viewer may not see counts for nothing, so that the button does not reveal it.
-- index: accounts_user_pkey (id), follow_once (follower_id, followee_id),
-- follow_request_once (asker_id, asked_id), block_once (blocker_id, blocked_id),
-- block_blocked_blocker (blocked_id, blocker_id), mute_once (muter_id, muted_id),
-- private_messages_preference_pkey (user_id),
-- side_once (owner_id, other_id), buzz_once (buzzer_id, buzzed_id), kwip_person_by_id (author_id, id DESC),
-- kwip_person_comments_by_id (author_id, id DESC), kwips_kwip_pkey (id)
-- types: days double precision, hours double precision
SELECT
    EXISTS (SELECT FROM graph_follow f WHERE f.follower_id = u.id AND f.followee_id = %(viewer)s),
    EXISTS (SELECT FROM graph_block b WHERE b.blocker_id = u.id AND b.blocked_id = %(viewer)s)
    OR EXISTS (SELECT FROM graph_block b WHERE b.blocker_id = %(viewer)s AND b.blocked_id = u.id),
    coalesce(p.takes_messages, true),
    coalesce(p.takes_buzzes, true),
    EXISTS (SELECT FROM private_messages_side s WHERE s.owner_id = %(viewer)s AND s.other_id = u.id),
    coalesce(
        (SELECT s.has_written FROM private_messages_side s WHERE s.owner_id = u.id AND s.other_id = %(viewer)s),
        false
    ),
    u.joined_at < now() - %(days)s * interval '1 day' AND NOT EXISTS (
        SELECT
        FROM (
            (
                SELECT n.id FROM kwips_kwip n
                WHERE n.author_id = u.id AND n.thread_id IS NULL
                ORDER BY n.id DESC LIMIT 20
            )
            UNION ALL
            (
                SELECT n.id FROM kwips_kwip n
                WHERE n.author_id = u.id AND n.thread_id IS NOT NULL
                ORDER BY n.id DESC LIMIT 20
            )
        ) newest
        JOIN kwips_kwip k ON k.id = newest.id
        WHERE k.created_at > now() - %(days)s * interval '1 day' AND {visible}
    ),
    EXISTS (
        SELECT FROM private_messages_buzz b
        WHERE b.buzzer_id = %(viewer)s AND b.buzzed_id = u.id
          AND b.buzzed_at > now() - %(hours)s * interval '1 hour'
    ),
    EXISTS (SELECT FROM graph_follow f WHERE f.follower_id = %(viewer)s AND f.followee_id = u.id),
    u.is_private AND EXISTS (
        SELECT FROM graph_followrequest r WHERE r.asker_id = %(viewer)s AND r.asked_id = u.id
    ),
    EXISTS (SELECT FROM graph_block b WHERE b.blocker_id = %(viewer)s AND b.blocked_id = u.id),
    EXISTS (
        SELECT FROM graph_mute m
        WHERE m.muter_id = %(viewer)s AND m.muted_id = u.id AND (m.ends_at IS NULL OR m.ends_at > now())
    )
FROM accounts_user u
LEFT JOIN private_messages_preference p ON p.user_id = u.id
WHERE u.id = %(person)s AND u.is_active
