-- Stores a kwip with its tags and mentions. Returns no row if its author has used the form key before. The
-- caller holds the lock of the author's row: without a chosen visibility, that of the account as it is now decides.
-- An app above may add CTEs and a value.
-- index: accounts_user_pkey (id)
-- types: text text, content_note text, is_formatted boolean, is_sensitive boolean, form_key uuid, visibility smallint, suspended smallint, held smallint
WITH made AS (
    INSERT INTO kwips_kwip (
        author_id, text, content_note, is_formatted, is_sensitive, form_key, visibility, audience_id, withheld,
        version, comments_count, favourites_count
    )
    SELECT
        a.id, %(text)s, %(content_note)s, %(is_formatted)s, %(is_sensitive)s, %(form_key)s::uuid,
        chosen.visibility, CASE WHEN chosen.visibility > 0 THEN a.id END,
        CASE WHEN a.is_active THEN 0 ELSE %(suspended)s END | %(held)s,
        1, 0, 0
    FROM accounts_user a
    CROSS JOIN LATERAL (
        SELECT coalesce(%(visibility)s, CASE WHEN a.is_private THEN 1 ELSE 0 END) AS visibility
    ) chosen
    WHERE a.id = %(author)s AND NOT EXISTS ({by_form})
    RETURNING *
),
{words}{publish_ctes}
SELECT made.id, made.withheld, made.created_at, made.visibility, made.audience_id, a.username, {publish_value}
FROM made
JOIN accounts_user a ON a.id = made.author_id
