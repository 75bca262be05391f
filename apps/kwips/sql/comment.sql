-- Stores a comment with its tags and mentions, and whether its author tracks the conversation, unless %(track)s is
-- NULL. Returns no row if its author has used the form key before, or if the kwip or the answered comment is
-- deleted, or by someone with a block between them and the author. The caller holds the locks of the kwip's and the
-- author's row. An app above may add CTEs and a value.
-- index: accounts_user_pkey (id), kwips_kwip_pkey (id), kwips_track_pkey (kwip_id, user_id),
-- block_once (blocker_id, blocked_id), block_blocked_blocker (blocked_id, blocker_id)
-- types: text text, is_formatted boolean, form_key uuid, suspended smallint, held smallint, track boolean
WITH made AS (
    INSERT INTO kwips_kwip (
        author_id, thread_id, answers_id, text, is_formatted, form_key, visibility, audience_id, withheld,
        created_at, last_active_at, version, comments_count, favourites_count
    )
    SELECT
        a.id, t.id, %(answers)s, %(text)s, %(is_formatted)s, %(form_key)s::uuid, t.visibility, t.audience_id,
        CASE WHEN a.is_active THEN 0 ELSE %(suspended)s END | %(held)s,
        t.last_active_at, t.last_active_at,
        1, 0, 0
    FROM accounts_user a
    CROSS JOIN kwips_kwip t
    WHERE a.id = %(author)s
      AND t.id = %(thread)s
      AND NOT EXISTS ({by_form})
      AND (
        %(answers)s IS NULL
        OR EXISTS (SELECT FROM kwips_kwip k WHERE k.id = %(answers)s AND {unblocked_by_author})
      )
      AND {thread_unblocked}
    RETURNING *
),
tracked AS (
    INSERT INTO kwips_track AS t (kwip_id, user_id, is_on)
    SELECT made.thread_id, made.author_id, %(track)s FROM made WHERE %(track)s IS NOT NULL
    ON CONFLICT (kwip_id, user_id) DO UPDATE
    SET is_on = excluded.is_on, seen_id = NULL, seen_at = NULL
    WHERE t.is_on <> excluded.is_on
),
{words}{comment_ctes}
SELECT
    made.id, made.withheld, made.created_at, a.username,
    k.author_id, k.visibility, k.audience_id, k.version, k.comments_count, k.favourites_count,
    ka.username,
    {tags_of},
    {comment_value}
FROM made
JOIN accounts_user a ON a.id = made.author_id
JOIN kwips_kwip k ON k.id = made.thread_id
JOIN accounts_user ka ON ka.id = k.author_id
